/** Many who come into a call at once: one of those who are in it lets them in together, and whoever is to do it and does not is no trouble for long. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ConversationId } from '#signalling/ids.ts';
import { until } from '#signalling/testing-until.ts';
import { Crew } from '../testing/crew.ts';
import type { TestDevice } from '../testing/test-device.ts';
import type { ConversationGroup } from './conversation-group.ts';

const SLOW = { timeout: 60_000 };

let crew: Crew;
beforeAll(async () => {
  crew = await Crew.gather('beta.example');
}, 60_000);
afterEach(() => crew.rest());
afterAll(() => crew[Symbol.asyncDispose]());

const listsCall = (device: TestDevice, conversation: ConversationId) =>
  until(
    () => device.home.store.state.conversations.some((each) => each.conversation === conversation && each.call?.group),
    'it knows of the group of the call',
  );

const allIn = (groups: readonly ConversationGroup[]) =>
  until(
    async () => {
      const loaded = await Promise.all(groups.map((group) => group.loaded()));
      if (loaded.some((group) => group?.members.length !== groups.length)) return false;
      const keys = loaded.map((group) => group?.export('hawser test', new Uint8Array(), 32));
      return new Set((await Promise.all(keys)).map((key) => Buffer.from(key ?? []).toString('hex'))).size === 1;
    },
    'all are in one epoch',
    30_000,
  );

/** Some people of each organisation, the first of whom begins a call. */
async function begun(names: readonly string[]) {
  const devices: TestDevice[] = [];
  for (const [at, name] of names.entries())
    devices.push(await crew.deviceOf(name, undefined, at % 2 === 0 ? crew.alpha : crew.beta));
  const [first, ...others] = devices as [TestDevice, ...TestDevice[]];
  const conversation = await crew.converse(first, ...others);
  const group = await first.enter(conversation);
  await group.ready();
  for (const device of others) await listsCall(device, conversation);
  return { first, others, conversation, group };
}

/** Whoever asks to come in waits until all of them do. */
function askTogether(devices: readonly TestDevice[]): void {
  const all = Promise.withResolvers<void>();
  const asking = new Set<TestDevice>();
  for (const device of devices) {
    const join = device.api.join.bind(device.api);
    device.api.join = async (...given) => {
      if (asking.add(device).size === devices.length) all.resolve();
      await all.promise;
      return join(...given);
    };
  }
}

test('people of two organisations who come in at once make a few epochs', SLOW, async () => {
  const { first, others, conversation, group } = await begun(['ann', 'ben', 'cid', 'dan', 'eva', 'fay', 'gus', 'hal']);
  askTogether(others);
  const groups = await Promise.all(others.map((device) => device.enter(conversation)));
  await Promise.all(groups.map((each) => each.ready()));
  await allIn([group, ...groups]);
  const { id, epoch = 0n, participants } = await group.ready();
  expect(new Set(participants.values()).size).toBe(8);
  // By themselves they would have made seven.
  expect(epoch).toBeLessThan(6n);
  const welcomed = others.filter(({ entries }) =>
    entries.some(({ kind, group: of }) => kind === 'welcome' && of === id),
  );
  expect(welcomed.length).toBeGreaterThan(1);
  expect([first, ...others].flatMap(({ troubles }) => troubles)).toEqual([]);
});

test('where the first who is in it has vanished, the next one lets them in', SLOW, async () => {
  const { first, others, conversation, group } = await begun(['ida', 'jan', 'kay', 'lou', 'max']);
  const [second, ...late] = others as [TestDevice, ...TestDevice[]];
  const ofSecond = await second.enter(conversation);
  await ofSecond.ready();
  await allIn([group, ofSecond]);
  first.close();
  const groups = await Promise.all(late.map((device) => device.enter(conversation)));
  await Promise.all(groups.map((each) => each.ready()));
  await until(
    async () => (await ofSecond.loaded())?.members.length === 5,
    'all are in, beside the one that has vanished',
  );
  expect(late.flatMap(({ troubles }) => troubles)).toEqual([]);
});

test('where all who are in it have vanished, whoever comes comes in by himself', SLOW, async () => {
  const { first, others, conversation } = await begun(['ned', 'oda', 'pia']);
  first.close();
  const groups = await Promise.all(others.map((device) => device.enter(conversation)));
  await Promise.all(groups.map((each) => each.ready()));
  for (const group of groups)
    await until(async () => (await group.loaded())?.members.length === 3, 'both are in, beside the one that vanished');
});

test(
  'whoever is taken out of the conversation while he waits for it does not come in, and holds up nobody',
  SLOW,
  async () => {
    const { first, others, conversation, group } = await begun(['quin', 'rae', 'sam', 'tom']);
    const [, gone] = others as [TestDevice, TestDevice, TestDevice];
    const entering = others.map(async (device) => (await device.enter(conversation)).ready());
    const asked = entering.map((each) => each.then(() => true).catch(() => false));
    await first.home.removeMember(conversation, gone.device.user);
    await until(async () => (await group.loaded())?.members.length === 3, 'the two others are in');
    expect((await group.ready()).members.map(({ identity }) => identity.device)).not.toContain(gone.device.id);
    const [one, , other] = await Promise.all(asked);
    expect([one, other]).toEqual([true, true]);
  },
);
