import { beforeEach, expect, it } from 'vitest';
import { Group } from './group.ts';
import { serialOf } from './testing/authority.ts';
import { bytes, GROUP, request, text, World } from './testing/world.ts';

const DAY = 86_400_000;

let world: World;
beforeEach(async () => {
  world = await World.make();
});

it('lets devices of two domains join by Welcome, talk, and see the same group', async () => {
  const [alice, bob] = await world.devices('alice/laptop', 'bob@beta/phone');
  await world.group(alice, bob);
  const received = await bob.group.receive(await alice.group.send(bytes('hello'), bytes('header')));
  expect(received).toMatchObject([
    { kind: 'message', epoch: 1n, sender: { leafIndex: 0, identity: { device: alice.id } } },
  ]);
  const [message] = received;
  if (message?.kind !== 'message') throw new Error('no message');
  expect([text(message.content), text(message.authenticatedData)]).toEqual(['hello', 'header']);
  expect(bob.group.epochAuthenticator).toEqual(alice.group.epochAuthenticator);
  const label = 'SFrame 1.0 Base Key';
  expect(await bob.group.export(label, bytes(''), 16)).toEqual(await alice.group.export(label, bytes(''), 16));
  expect(bob.group.members.map(({ identity }) => identity.device)).toEqual([alice.id, bob.id]);
  expect([bob.group.leafIndex, bob.group.treeWidth, bob.group.epoch]).toEqual([1, 2, 1n]);
});

it('lets a device join by itself, and the same device once more in its own place', async () => {
  const [alice, bob, carol] = await world.devices('alice/laptop', 'bob@beta/phone', 'carol/tablet');
  await world.group(alice, bob);
  for (const round of [1, 2]) {
    const commit = await carol.joinExternally(alice);
    expect(carol.group.isMember).toBe(false);
    const [seen] = await alice.group.receive(commit);
    await bob.group.receive(commit);
    expect(seen).toMatchObject({ kind: 'commit', by: { device: carol.id }, race: 'none' });
    expect(await carol.group.accepted(carol.group.pending?.id ?? '')).toMatchObject([{ kind: 'commit', race: 'own' }]);
    expect(carol.group.members).toHaveLength(3);
    expect(bob.group.epochAuthenticator).toEqual(carol.group.epochAuthenticator);
    expect(carol.group.epoch).toBe(BigInt(round + 1));
  }
});

it('removes a device, which learns it and reads no more', async () => {
  const [alice, bob, carol] = await world.devices('alice/laptop', 'bob@beta/phone', 'carol/tablet');
  await world.group(alice, bob, carol);
  const { id, commit } = await alice.group.commit({ remove: [bob.id] }, request());
  await alice.group.accepted(id);
  await carol.group.receive(commit);
  expect(await bob.group.receive(commit)).toEqual([
    { kind: 'removed', by: expect.objectContaining({ device: alice.id }) },
  ]);
  expect(bob.group.isMember).toBe(false);
  await expect(bob.group.receive(await alice.group.send(bytes('secret')))).rejects.toMatchObject({
    code: 'MLS_NOT_MEMBER',
  });
  expect(carol.group.epochAuthenticator).toEqual(alice.group.epochAuthenticator);
  bob.reload();
  expect(bob.group.isMember).toBe(false);
});

it('shows the newer certificates of a device after a commit, and others can still come in when the old ones have ended', async () => {
  const [alice, bob, carol] = await world.devices('alice/laptop', 'bob@beta/phone', 'carol/tablet');
  await world.group(alice, bob);
  const { certificates } = await world.domain(alice.id).renew(alice.id, alice.keys, { notAfter: world.now + 80 * DAY });
  expect(alice.group.shows(certificates)).toBe(false);
  await expect(
    alice.group.commit({ certificates, add: [(await carol.keyPackage()).bytes] }, request()),
  ).rejects.toThrow();
  const { id, commit } = await alice.group.commit({ certificates }, request());
  await alice.group.accepted(id);
  await bob.group.receive(commit);
  expect(alice.group.shows(certificates)).toBe(true);
  expect(bob.group.epochAuthenticator).toEqual(alice.group.epochAuthenticator);
  const message = await alice.group.send(bytes('still here'));
  expect(await bob.group.receive(message)).toMatchObject([
    { kind: 'message', sender: { identity: { device: alice.id } } },
  ]);
  world.now += 70 * DAY;
  for (const domain of world.domains.values()) await domain.revoke([], world.now);
  // Bob has not renewed his.
  expect((await alice.group.lapsed()).map(({ identity }) => identity.device)).toEqual([bob.id]);
  carol.keys = await world
    .domain(carol.id)
    .renew(carol.id, carol.keys, { notBefore: world.now, notAfter: world.now + DAY });
  await alice.group.receive(await carol.joinExternally(alice));
  await carol.group.accepted(carol.group.pending?.id ?? '');
  expect((await carol.group.lapsed()).map(({ identity }) => identity.device)).toEqual([bob.id]);
});

it('lets a device in by Welcome and by itself where another one was revoked, and takes no commit of that one', async () => {
  const [alice, thief, carol, dave] = await world.devices('alice/laptop', 'alice/phone', 'carol/tablet', 'dave/laptop');
  await world.group(alice, thief);
  const { bytes: keyPackage, secrets } = await carol.keyPackage();
  const { id, welcome = new Uint8Array() } = await alice.group.commit({ add: [keyPackage] }, request());
  await alice.group.accepted(id);
  const tree = alice.group.tree();
  await world.domain(thief.id).revoke([serialOf(thief.keys.certificates[0] ?? new Uint8Array())]);
  carol.group = await Group.join({ group: GROUP, welcome, tree, secrets }, carol.store, carol.env);
  await alice.group.receive(await dave.joinExternally(carol));
  await dave.group.accepted(dave.group.pending?.id ?? '');
  for (const { group } of [alice, dave]) expect((await group.lapsed()).map((each) => each.leafIndex)).toEqual([1]);
  await expect(thief.joinExternally(alice)).rejects.toMatchObject({ code: 'MLS_CREDENTIAL_REVOKED' });
});
