/** The group of a call: of those who are in it, beside that of the conversation. */
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { GHOST_MS, Ghosts } from '#homeserver/ds/ghosts.ts';
import { until } from '#homeserver/testing/world.ts';
import { type ConversationId, callRoomOf, type ParticipantId } from '#signalling/ids.ts';
import { Crew } from '../testing/crew.ts';
import type { TestDevice } from '../testing/test-device.ts';
import type { ConversationGroup } from './conversation-group.ts';

const SLOW = { timeout: 30_000 };

let crew: Crew;

beforeAll(async () => {
  crew = await Crew.gather('beta.example');
});
afterAll(() => crew[Symbol.asyncDispose]());
afterEach(() => crew.rest());

async function keysOf(group: ConversationGroup): Promise<string | undefined> {
  const loaded = await group.loaded();
  if (!loaded?.isMember) return undefined;
  const key = await loaded.export('SFrame 1.0 Base Key', new Uint8Array(), 16);
  return `${loaded.epoch} ${Buffer.from(key).toString('hex')} ${[...loaded.participants]}`;
}

const same = (...groups: readonly ConversationGroup[]) =>
  until(async () => {
    const keys = new Set(await Promise.all(groups.map(keysOf)));
    return keys.size === 1 && !keys.has(undefined);
  }, 'all are in one epoch, with the same key and the same participants');

const listed = (device: TestDevice, conversation: ConversationId) =>
  device.home.store.state.conversations.find((each) => each.conversation === conversation)?.call;

const listsCall = (device: TestDevice, conversation: ConversationId) =>
  until(
    () => device.home.store.state.conversations.some((each) => each.conversation === conversation && each.call?.group),
    'it knows of the group of the call',
  );

test('is made by who starts the call and joined by whoever comes, under the names that SFTs know', SLOW, async () => {
  const [alice, bob, carol] = [await crew.deviceOf('alice'), await crew.deviceOf('bob'), await crew.deviceOf('carol')];
  const conversation = await crew.converse(alice, bob, carol);
  const ofAlice = await alice.enter(conversation);
  await ofAlice.ready();
  await listsCall(bob, conversation);
  const ofBob = await bob.enter(conversation);
  await ofBob.ready();
  await same(ofAlice, ofBob);
  const { members, participants } = await ofBob.ready();
  expect(members.map(({ identity }) => identity.device)).toEqual([alice.device.id, bob.device.id]);
  expect(participants.size).toBe(2);
  expect(new Set(participants.values()).size).toBe(2);
  // Those who are not in it have no part in it.
  expect(carol.entries.filter(({ kind }) => kind === 'commit')).toEqual([]);
});

test('is left by whoever is taken out of the conversation, and over when the call is', SLOW, async () => {
  const [alice, bob, carol] = [await crew.deviceOf('dora'), await crew.deviceOf('emil'), await crew.deviceOf('finn')];
  const conversation = await crew.converse(alice, bob, carol);
  const groups: ConversationGroup[] = [];
  for (const device of [alice, bob, carol]) {
    const group = await device.enter(conversation);
    await group.ready();
    groups.push(group);
  }
  const [ofAlice, ofBob, ofCarol] = groups as [ConversationGroup, ConversationGroup, ConversationGroup];
  await same(ofAlice, ofBob, ofCarol);
  const before = await keysOf(ofAlice);
  await alice.home.removeMember(conversation, bob.device.user);
  await until(async () => (await ofAlice.loaded())?.members.length === 2, 'he is out of the keys');
  await same(ofAlice, ofCarol);
  expect(await keysOf(ofAlice)).not.toBe(before);
  await until(async () => (await ofBob.loaded()) === undefined, 'he has forgotten them');
  await alice.home.endCall(conversation);
  await alice.home.refresh();
  await expect((await alice.enter(conversation)).ready()).resolves.toMatchObject({ epoch: 0n });
});

test('is left by whoever goes out of the call, when his SFT says so', SLOW, async () => {
  const [alice, bob] = [await crew.deviceOf('ida'), await crew.deviceOf('jon')];
  const conversation = await crew.converse(alice, bob);
  const ofAlice = await alice.enter(conversation);
  const { participants: first } = await ofAlice.ready();
  const ofBob = await bob.enter(conversation);
  const { participants } = await ofBob.ready();
  await same(ofAlice, ofBob);
  const call = listed(alice, conversation);
  if (!call) throw new Error('no call');
  const present = (all: ReadonlyMap<number, ParticipantId>) =>
    crew.alpha.sft.presence(call.conference, [...all.values()]);
  present(participants);
  await until(() => listed(alice, conversation)?.members.length === 2, 'both are in the call');
  const before = await keysOf(ofAlice);
  present(first);
  await until(async () => (await ofAlice.loaded())?.members.length === 1, 'he is out of the keys');
  expect(await keysOf(ofAlice)).not.toBe(before);
});

test.each(['while it is proposed to take it out', 'at once'])(
  'a device that is alone in it comes back, %s',
  SLOW,
  async (when) => {
    const [alice, bob] = [
      await crew.deviceOf(`kim${when.length}`),
      await crew.deviceOf(`lea${when.length}`, undefined, crew.beta),
    ];
    const conversation = await crew.converse(alice, bob);
    const { participants } = await (await alice.enter(conversation)).ready();
    await listsCall(bob, conversation);
    // He is in the call, with a device that is not in its group.
    const { call, participant } = await bob.home.callTicket(conversation);
    crew.beta.sft.presence(call.conference, [participant]);
    crew.alpha.sft.presence(call.conference, [...participants.values()]);
    await until(() => listed(alice, conversation)?.members.length === 2, 'both are in the call');
    if (when !== 'at once') {
      const proposals = () => alice.entries.filter(({ kind }) => kind === 'proposal').length;
      const before = proposals();
      crew.alpha.sft.presence(call.conference, []);
      await until(() => proposals() > before, 'the hub proposes to take it out');
    }
    const again = await (await alice.enterAnew(conversation)).ready();
    expect(again.members.map(({ identity }) => identity.device)).toEqual([alice.device.id]);
    expect(again.epoch).toBe(1n);
    const ofBob = await bob.enter(conversation);
    await ofBob.ready();
    await until(() => again.members.length === 2, 'and others come in behind it');
    expect([...alice.troubles, ...bob.troubles]).toEqual([]);
  },
);

test.each(['alpha', 'beta'] as const)('of two organisations, where %s starts the call', SLOW, async (from) => {
  const [alice, bob] = [await crew.deviceOf('gina'), await crew.deviceOf('hugo', undefined, crew.beta)];
  const conversation = await crew.converse(alice, bob);
  await until(async () => (await bob.group(conversation).loaded())?.isMember, 'both are in the conversation');
  const [first, second] = from === 'alpha' ? [alice, bob] : [bob, alice];
  const ofFirst = await first.enter(conversation);
  await ofFirst.ready();
  await listsCall(second, conversation);
  const ofSecond = await second.enter(conversation);
  await ofSecond.ready();
  await same(ofFirst, ofSecond);
  await alice.home.removeMember(conversation, bob.device.user);
  await until(async () => (await (from === 'alpha' ? ofSecond : ofFirst).loaded()) === undefined, 'his keys are gone');
  expect([...alice.troubles, ...bob.troubles]).toEqual([]);
});

describe('of the name of somebody else', () => {
  /** A call of two, of whom the second has not come, and his name is known to the third. */
  async function begun(first: string, second: string, third: string) {
    const [alice, bob] = [await crew.deviceOf(first), await crew.deviceOf(second)];
    const mallory = await crew.deviceOf(third);
    const conversation = await crew.converse(alice, bob, mallory);
    const ofAlice = await alice.enter(conversation);
    await ofAlice.ready();
    await Promise.all([listsCall(bob, conversation), listsCall(mallory, conversation)]);
    const { call, participant } = await bob.home.callTicket(conversation);
    await mallory.home.callTicket(conversation);
    const imitate = () => mallory.group(callRoomOf(conversation, call.conference), participant);
    return { alice, bob, mallory, conversation, ofAlice, call, participant, imitate };
  }

  test('nobody comes in once an SFT told whose it is', SLOW, async () => {
    const { bob, conversation, ofAlice, call, participant, imitate } = await begun('ada', 'ben', 'moe');
    crew.alpha.sft.presence(call.conference, [participant]);
    await until(() => listed(bob, conversation)?.members.length === 1, 'he is in the call');
    await expect(imitate().ready()).rejects.toThrow();
    expect((await ofAlice.ready()).members).toHaveLength(1);
    const ofBob = await bob.enter(conversation);
    await ofBob.ready();
    await same(ofAlice, ofBob);
  });

  test('whoever came in before is taken out, and its owner let in', SLOW, async () => {
    const { bob, mallory, conversation, ofAlice, call, participant, imitate } = await begun('ava', 'bea', 'max');
    const ofMallory = imitate();
    await ofMallory.ready();
    await same(ofAlice, ofMallory);
    const ofBob = await bob.enter(conversation);
    const coming = ofBob.ready();
    crew.alpha.sft.presence(call.conference, [participant]);
    await coming;
    await same(ofAlice, ofBob);
    const members = (await ofBob.ready()).members.map(({ identity }) => identity.device);
    expect(members).toContain(bob.device.id);
    expect(members).not.toContain(mallory.device.id);
  });
});

test('whoever is at no SFT for long is out of it, and may come back', { timeout: 60_000 }, async () => {
  const [alice, bob] = [await crew.deviceOf('mia'), await crew.deviceOf('noa')];
  const conversation = await crew.converse(alice, bob);
  const ofAlice = await alice.enter(conversation);
  const { participants: first } = await ofAlice.ready();
  await listsCall(bob, conversation);
  const ofBob = await bob.enter(conversation);
  await ofBob.ready();
  await same(ofAlice, ofBob);
  const call = listed(alice, conversation);
  if (!call) throw new Error('no call');
  // His SFT never tells of him.
  crew.alpha.sft.presence(call.conference, [...first.values()]);
  await until(() => listed(alice, conversation)?.members.length === 1, 'one is in the call');
  let later = 0;
  const { look } = Ghosts.prototype;
  const looks = vi.spyOn(Ghosts.prototype, 'look').mockImplementation(function (this: Ghosts, ...[room, all, present]) {
    return look.call(this, room, all, present, performance.now() + later);
  });
  onTestFinished(() => looks.mockRestore());
  const room = callRoomOf(conversation, call.conference);
  await until(() => looks.mock.calls.some(([each]) => each === room), 'the homeserver notes it', 15_000);
  expect((await ofAlice.ready()).members).toHaveLength(2);
  later = GHOST_MS;
  await until(async () => (await ofAlice.loaded())?.members.length === 1, 'he is out of the keys', 15_000);
  later = 0;
  await until(async () => !(await ofBob.loaded())?.isMember, 'he knows it');
  // A device that is in the call all the same comes in anew.
  expect((await ofBob.ready()).members).toHaveLength(2);
  await same(ofAlice, ofBob);
});
