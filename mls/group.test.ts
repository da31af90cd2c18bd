import { beforeEach, expect, it } from 'vitest';
import { bytes, request, text, World } from './testing/world.ts';

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
