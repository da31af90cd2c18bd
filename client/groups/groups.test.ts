import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { until } from '#homeserver/testing/world.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { Crew } from '../testing/crew.ts';
import type { TestDevice } from '../testing/test-device.ts';

let crew: Crew;

beforeAll(async () => {
  crew = await Crew.gather();
});
afterAll(() => crew[Symbol.asyncDispose]());
afterEach(() => crew.rest());

/** The commits that this device is told of. */
const commitsOf = ({ received }: TestDevice) => received.filter(({ kind }) => kind === 'commit').length;

const epochOf = async (device: TestDevice, conversation: ConversationId) =>
  (await device.group(conversation).loaded())?.epoch;

test('it is one, however many ask for it at once after a start', async () => {
  const first = await crew.deviceOf('alice');
  const conversation = await crew.converse(first);
  first.close();
  const again = await crew.deviceOf('alice', first.vault);
  const group = again.group(conversation);
  const all = await Promise.all([group.loaded(), group.loaded(), group.loaded()]);
  expect(all[0]?.isMember).toBe(true);
  expect(new Set(all).size).toBe(1);
});

test('two people write to each other', async () => {
  const [alice, bob] = [await crew.deviceOf('alice'), await crew.deviceOf('bob')];
  const conversation = await crew.converse(alice, bob);
  await alice.say(conversation, 'Ahoy');
  await until(() => bob.heard.length === 1, 'the first message');
  await bob.say(conversation, 'Ahoy yourself');
  await until(() => alice.heard.length === 1, 'the answer');
  expect([alice.heard, bob.heard]).toEqual([['Ahoy yourself'], ['Ahoy']]);
  expect([...alice.troubles, ...bob.troubles]).toEqual([]);
});

test('everybody on all devices hears, and a new device joins by itself and hears what comes from then on', async () => {
  const [alice, phone, bob] = [await crew.deviceOf('alice'), await crew.deviceOf('alice'), await crew.deviceOf('bob')];
  const conversation = await crew.converse(alice, bob);
  await until(async () => (await bob.group(conversation).loaded())?.isMember, 'bob is in');
  await phone.home.refresh();
  await phone.group(conversation).ready();
  await bob.say(conversation, 'to both');
  await until(() => alice.heard.length === 1 && phone.heard.length === 1, 'both');
  const late = await crew.deviceOf('bob');
  await late.group(conversation).ready();
  await alice.say(conversation, 'to three');
  await until(() => [phone, bob, late].every(({ heard }) => heard.at(-1) === 'to three'), 'three');
  expect(late.heard).toEqual(['to three']);
  await until(async () => (await epochOf(alice, conversation)) === (await epochOf(late, conversation)), 'one epoch');
});

test('whatever one device wants at once goes in, one commit after the other', { timeout: 30_000 }, async () => {
  const [alice, phone] = [await crew.deviceOf('gil'), await crew.deviceOf('gil')];
  const conversation = await crew.converse(alice);
  const [bob, carol] = [await crew.deviceOf('hana'), await crew.deviceOf('ivo')];
  const users = [bob, carol].map(({ device }) => device.user);
  for (const user of users) await alice.home.addMember(conversation, user);
  await alice.home.refresh();
  const group = alice.group(conversation);
  const { epoch = 0n } = await group.ready();
  await Promise.all([
    group.update(),
    group.addPeople([bob.device.user]),
    group.readyToSend(),
    group.addPeople([carol.device.user, alice.device.user]),
    group.update(),
    group.commitProposals(),
    group.renew(),
  ]);
  expect(await epochOf(alice, conversation)).toBe(epoch + 4n);
  const everybody = [alice, phone, bob, carol].map(({ device }) => device.id).sort();
  for (const each of [alice, phone, bob, carol]) {
    const members = async () =>
      (await each.group(conversation).loaded())?.members.map(({ identity }) => identity.device);
    await until(async () => `${(await members())?.sort()}` === `${everybody}`, 'all are in');
  }
  expect([alice, phone, bob, carol].flatMap(({ troubles }) => troubles)).toEqual([]);
});

test.each([
  ['never came to the hub', false],
  ['came to the hub, and had no answer', true],
])('a commit that %s is in after a start, once', async (_what, isTaken) => {
  const [alice, bob] = [await crew.deviceOf('dora'), await crew.deviceOf('emil')];
  const conversation = await crew.converse(alice, bob);
  await until(async () => (await bob.group(conversation).loaded())?.isMember, 'bob is in');
  const group = await alice.group(conversation).ready();
  const { epoch = 0n } = group;
  const before = commitsOf(bob);
  alice.close();
  const commit = await group.commit({}, 'before-the-crash');
  if (isTaken) await alice.api.commit(conversation, commit);
  const again = await crew.deviceOf('dora', alice.vault);
  await until(async () => (await epochOf(again, conversation)) === epoch + 1n, 'it is in');
  await until(async () => (await epochOf(bob, conversation)) === epoch + 1n, 'bob follows');
  await again.say(conversation, 'on');
  await until(() => bob.heard.at(-1) === 'on', 'on');
  expect(commitsOf(bob)).toBe(before + 1);
  expect((await again.group(conversation).loaded())?.pending).toBeUndefined();
});

describe('the hub', () => {
  test('shuts a removed device out, and it cannot read what comes', async () => {
    const [alice, bob, stolen] = [await crew.deviceOf('alice'), await crew.deviceOf('bob'), await crew.deviceOf('bob')];
    const conversation = await crew.converse(alice, bob);
    await stolen.home.refresh();
    await stolen.group(conversation).ready();
    await alice.say(conversation, 'to all');
    await until(() => stolen.heard.length === 1 && bob.heard.length === 1, 'all');
    await bob.account.call({ method: 'DELETE', path: `devices/${encodeURIComponent(stolen.device.id)}` });
    await expect(stolen.say(conversation, 'from the thief')).rejects.toThrow();
    const isOut = async (device: TestDevice) => {
      const members = (await device.group(conversation).loaded())?.members ?? [];
      return members.length > 0 && !members.some(({ identity }) => identity.device === stolen.device.id);
    };
    await until(async () => (await isOut(alice)) && (await isOut(bob)), 'the removal');
    await alice.say(conversation, 'secret');
    await until(() => bob.heard.at(-1) === 'secret', 'secret');
    expect(stolen.heard).toEqual(['to all']);
  });

  test('takes one commit of many that come at once, and all end in one epoch', { timeout: 60_000 }, async () => {
    const people = await Promise.all(
      ['alice', 'bob', 'carol', 'alice', 'bob', 'carol'].map((handle) => crew.deviceOf(handle)),
    );
    const [first] = people as [TestDevice];
    const conversation = await crew.converse(first, ...people.slice(1, 3));
    for (const device of people) await device.home.refresh();
    await Promise.all(people.map((device) => device.group(conversation).ready()));
    await Promise.all(people.map((device) => device.group(conversation).update()));
    const converged = async () => {
      const groups = await Promise.all(people.map((device) => device.group(conversation).loaded()));
      const codes = groups.map((group) => Buffer.from(group?.epochAuthenticator ?? []).toString('hex'));
      const present = new Set(groups[0]?.members.map(({ identity }) => identity.device));
      return new Set(codes).size === 1 && people.every(({ device }) => present.has(device.id));
    };
    await until(converged, 'one epoch', 40_000);
    await first.say(conversation, 'all here?');
    await until(() => people.slice(1).every(({ heard }) => heard.at(-1) === 'all here?'), 'everybody');
    expect(people.flatMap(({ troubles }) => troubles)).toEqual([]);
  });
});
