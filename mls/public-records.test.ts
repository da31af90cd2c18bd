import { beforeEach, expect, it } from 'vitest';
import { nodeEngine } from '#mls/node-engine.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Changes } from './journal.ts';
import { membersIn, pendingIn, serveGroupInfo } from './public-group.ts';
import { readPublicGroup, writePublicGroup } from './public-records.ts';
import { TestHub } from './testing/hub.ts';
import { request, type TestDevice } from './testing/world.ts';

let hub: TestHub;
let devices: TestDevice[];
let records: Map<string, Uint8Array>;
beforeEach(async () => {
  hub = await TestHub.make();
  devices = await hub.world.devices('a/one', 'b@beta/one', 'c/one', 'd/one', 'e/one', 'f@beta/one');
  await hub.world.group(...devices);
  const [alice] = devices;
  if (alice === undefined) throw new Error('nobody');
  await hub.follow(alice);
  records = new Map();
  apply(writePublicGroup(hub.state));
});

function apply(changes: Changes): void {
  for (const [key, value] of changes) {
    if (value === undefined) records.delete(key);
    else records.set(key, value);
  }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'read',
    (error: unknown) => (error instanceof HawserError ? error.code : `uncoded ${error}`),
  );

it('reads what was written, and goes on from it', async () => {
  const read = await readPublicGroup(records, nodeEngine);
  expect(read).toEqual(hub.state);
  expect(membersIn(read)).toEqual(membersIn(hub.state));
  expect(serveGroupInfo(read)).toEqual(serveGroupInfo(hub.state));
  // And without the engine, in the same way.
  expect(await readPublicGroup(records)).toEqual(hub.state);
});

it('writes of a step what it changed, and no more', async () => {
  const [alice, bob, , , , last] = devices;
  if (alice === undefined || bob === undefined || last === undefined) throw new Error('nobody');
  const before = hub.state;
  const proposals = await hub.propose(1);
  const proposed = writePublicGroup(hub.state, before);
  expect([...proposed.keys()]).toEqual(['head']);
  apply(proposed);
  expect(pendingIn(await readPublicGroup(records))).toEqual(pendingIn(hub.state));

  for (const message of proposals) await alice.group.receive(message);
  const made = await alice.group.commit({ remove: [last.id] }, request());
  const whole = hub.state;
  await hub.take(made);
  const changes = writePublicGroup(hub.state, whole);
  // Leaves 0 (renewed), 1 and 5 (gone), and the parents of leaf 0 that have somebody on both sides.
  expect(new Set(changes.keys())).toEqual(new Set(['head', 'node/0', 'node/2', 'node/10', 'node/3', 'node/7']));
  expect([changes.get('node/2'), changes.get('node/10')]).toEqual([undefined, undefined]);
  apply(changes);
  expect(await readPublicGroup(records, nodeEngine)).toEqual(hub.state);
});

it('forgets the nodes of a half of the tree that is empty', async () => {
  const [alice, , , , fifth, last] = devices;
  if (alice === undefined || fifth === undefined || last === undefined) throw new Error('nobody');
  const before = hub.state;
  await hub.take(await alice.group.commit({ remove: [fifth.id, last.id] }, request()));
  expect(hub.state.hashed.tree).toHaveLength(7);
  apply(writePublicGroup(hub.state, before));
  expect(await readPublicGroup(records)).toEqual(hub.state);
});

it('refuses records that are not whole', async () => {
  const head = records.get('head') ?? new Uint8Array();
  const leaf = records.get('node/2') ?? new Uint8Array();
  const spoilt: [string, Uint8Array | undefined][] = [
    ['head', undefined],
    ['head', head.slice(0, 40)],
    ['head', Uint8Array.of(9, ...head.slice(1))],
    ['node/2', undefined],
    ['node/2', records.get('node/4')],
    ['node/2', leaf.map((byte, index) => (index === leaf.length - 1 ? byte ^ 1 : byte))],
    ['node/9999', leaf],
    ['other', leaf],
  ];
  for (const [key, value] of spoilt) {
    const changed = new Map(records);
    if (value === undefined) changed.delete(key);
    else changed.set(key, value);
    expect(await codeOf(readPublicGroup(changed))).toBe('MLS_STATE_UNREADABLE');
  }
});
