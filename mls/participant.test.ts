/** Devices in the group of a call: under which name SFTs know each, and how the hub lets many in at once. */
import { beforeEach, expect, it } from 'vitest';
import { toBase64Url } from '#signalling/base64.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ParticipantId } from '#signalling/ids.ts';
import { Group } from './group.ts';
import { addedIn, proposeAddition } from './public-proposal.ts';
import { readPublicGroup, writePublicGroup } from './public-records.ts';
import { TestHub } from './testing/hub.ts';
import { GROUP, MemoryStore, request, type TestDevice } from './testing/world.ts';

let hub: TestHub;
let alice: TestDevice;
let bob: TestDevice;
let carol: TestDevice;
let dave: TestDevice;

const named = (byte: number) => toBase64Url(new Uint8Array(16).fill(byte)) as ParticipantId;
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof HawserError ? error.code : error),
  );

function enter(device: TestDevice, byte: number): void {
  device.keys = { ...device.keys, participant: named(byte) };
}

beforeEach(async () => {
  hub = await TestHub.make();
  [alice, bob, carol, dave] = await hub.world.devices('alice/laptop', 'bob@beta/phone', 'carol/laptop', 'dave/phone');
  for (const [at, device] of [alice, bob, carol, dave].entries()) enter(device, at + 1);
});

it('tells all members of each other, however they came in', async () => {
  await hub.world.group(alice, bob);
  await hub.follow(alice);
  const commit = await carol.joinExternally(alice);
  const pending = carol.group.pending ?? expect.fail();
  await hub.take({ commit, groupInfo: pending.groupInfo });
  await carol.group.accepted(pending.id);
  for (const { group } of [alice, bob]) await group.receive(commit);
  const all = new Map([alice, bob, carol].map((_, at) => [at, named(at + 1)]));
  for (const { group } of [alice, bob, carol]) expect(group.participants).toEqual(all);
  const renewed = await bob.group.commit({}, request());
  await hub.take(renewed);
  await bob.group.accepted(renewed.id);
  for (const { group } of [alice, carol]) await group.receive(renewed.commit);
  for (const { group } of [alice, bob, carol]) expect(group.participants).toEqual(all);
});

it('lets nobody in under the name of another one', async () => {
  await hub.world.group(alice, bob);
  await hub.follow(alice);
  enter(carol, 2);
  expect(await codeOf(carol.joinExternally(alice))).toBeUndefined();
  const { commit, groupInfo } = carol.group.pending ?? expect.fail();
  expect(await codeOf(hub.try({ commit, groupInfo }))).toBe('MLS_REFUSED');
  expect(await codeOf(alice.group.receive(commit))).toBe('MLS_REFUSED');
  const { bytes } = await carol.keyPackage();
  expect(await codeOf(alice.group.commit({ add: [bytes] }, request()))).toBe('MLS_REFUSED');
  enter(carol, 3);
  enter(dave, 3);
  const both = await Promise.all([carol, dave].map((device) => device.keyPackage()));
  const add = both.map((each) => each.bytes);
  expect(await codeOf(alice.group.commit({ add }, request()))).toBe('MLS_REFUSED');
});

it('lets nobody in under a name that the hub knows as somebody else’s, however he comes', async () => {
  await hub.world.group(alice, bob);
  await hub.follow(alice);
  const { admits } = hub.world.policy;
  hub.world.policy.admits = (who, participant) =>
    admits(who, participant) && (participant !== named(9) || who.device === dave.id);
  enter(carol, 9);
  const { bytes } = await carol.keyPackage();
  expect(await codeOf(proposeAddition(hub.state, [bytes], hub.signer, hub.environment))).toBe('MLS_NOT_ADMITTED');
  expect(await codeOf(alice.group.commit({ add: [bytes] }, request()))).toBe('MLS_NOT_ADMITTED');
  await carol.joinExternally(alice);
  const { commit, groupInfo } = carol.group.pending ?? expect.fail();
  expect(await codeOf(hub.try({ commit, groupInfo }))).toBe('MLS_NOT_ADMITTED');
  expect(await codeOf(alice.group.receive(commit))).toBe('MLS_NOT_ADMITTED');
  enter(dave, 9);
  const { state } = await proposeAddition(hub.state, [(await dave.keyPackage()).bytes], hub.signer, hub.environment);
  expect(addedIn(state).map(({ device }) => device)).toEqual([dave.id]);
});

it('lets those in whom the hub proposed, by one commit of a member', async () => {
  await hub.world.group(alice, bob);
  await hub.follow(alice);
  const packages = await Promise.all([carol, dave].map((device) => device.keyPackage()));
  const { state, messages } = await proposeAddition(
    ...([hub.state, packages.map(({ bytes }) => bytes), hub.signer, hub.environment] as const),
  );
  expect(messages).toHaveLength(2);
  expect(addedIn(state).map(({ device }) => device)).toEqual([carol.id, dave.id]);
  const again = await proposeAddition(state, [packages[0]?.bytes ?? expect.fail()], hub.signer, hub.environment);
  expect(again.messages).toEqual([]);
  const stored = await readPublicGroup(
    new Map([...writePublicGroup(state)].flatMap(([key, value]) => (value ? [[key, value]] : []))),
  );
  expect(addedIn(stored).map(({ device }) => device)).toEqual([carol.id, dave.id]);
  hub.adopt(state);
  for (const { group } of [alice, bob]) for (const message of messages) await group.receive(message);
  const { id, commit, welcome, groupInfo } = await bob.group.commit({}, request());
  const plan = await hub.take({ commit, welcome, groupInfo });
  expect(plan.joined.map(({ identity }) => identity.device)).toEqual([carol.id, dave.id]);
  await bob.group.accepted(id);
  await alice.group.receive(commit);
  for (const [at, device] of [carol, dave].entries()) {
    const secrets = packages[at]?.secrets ?? expect.fail();
    const parts = { group: GROUP, welcome: welcome ?? expect.fail(), tree: bob.group.tree(), secrets };
    device.group = await Group.join(parts, new MemoryStore(), device.env);
  }
  const everybody = [alice, bob, carol, dave];
  expect(new Set(everybody.map(({ group }) => group.epochAuthenticator.toString())).size).toBe(1);
  for (const { group } of everybody) expect([...group.participants.values()]).toEqual([1, 2, 3, 4].map(named));
});

it('proposes nobody who is in, or is not what he says', async () => {
  await hub.world.group(alice, bob);
  await hub.follow(alice);
  const propose = (bytes: Uint8Array) => codeOf(proposeAddition(hub.state, [bytes], hub.signer, hub.environment));
  expect(await propose((await bob.keyPackage()).bytes)).toBe('MLS_REFUSED');
  const { bytes } = await carol.keyPackage();
  expect(await propose(bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte)))).toBe(
    'MLS_KEY_PACKAGE_REFUSED',
  );
  hub.world.policy.admits = ({ user }) => !user.includes('carol');
  expect(await propose(bytes)).toBe('MLS_NOT_ADMITTED');
});

it('proposes no two who go by one name, and no name that is taken', async () => {
  await hub.world.group(alice, bob);
  await hub.follow(alice);
  const propose = async (device: TestDevice) =>
    proposeAddition(hub.state, [(await device.keyPackage()).bytes], hub.signer, hub.environment);
  enter(carol, 2);
  expect(await codeOf(propose(carol))).toBe('MLS_REFUSED');
  enter(carol, 3);
  hub.adopt((await propose(carol)).state);
  enter(dave, 3);
  expect(await codeOf(propose(dave))).toBe('MLS_REFUSED');
});

it('leaves out whom the hub let in and who is no member any more, and nobody else', async () => {
  await hub.world.group(alice, bob);
  await hub.follow(alice);
  const packages = await Promise.all([carol, dave].map((device) => device.keyPackage()));
  const { state, messages } = await proposeAddition(
    ...([hub.state, packages.map(({ bytes }) => bytes), hub.signer, hub.environment] as const),
  );
  hub.adopt(state);
  for (const { group } of [alice, bob]) for (const message of messages) await group.receive(message);
  const commitWithout = async (...names: string[]) => {
    const leaveOut = ({ user }: { readonly user: string }) => names.some((name) => user.includes(name));
    const { id, ...parts } = await alice.group.commit({ leaveOut }, request());
    return { id, parts };
  };
  const { admits } = hub.world.policy;
  hub.world.policy.admits = (who) => !who.user.includes('carol') && admits(who);
  for (const [names, code] of [
    [[], 'MLS_NOT_ADMITTED'],
    [['dave'], 'MLS_PROPOSALS_PENDING'],
    [['carol', 'dave'], 'MLS_PROPOSALS_PENDING'],
  ] as const) {
    hub.world.policy.admits = admits;
    const { id, parts } = await commitWithout(...names);
    hub.world.policy.admits = (who) => !who.user.includes('carol') && admits(who);
    expect(await codeOf(hub.try(parts)), names.join()).toBe(code);
    await alice.group.refused(id);
  }
  const { id, parts } = await commitWithout('carol');
  const plan = await hub.take(parts);
  expect(plan.joined.map(({ identity }) => identity.device)).toEqual([dave.id]);
  await alice.group.accepted(id);
  await bob.group.receive(parts.commit);
  expect(alice.group.members).toHaveLength(3);
  expect(bob.group.epochAuthenticator).toEqual(alice.group.epochAuthenticator);
});
