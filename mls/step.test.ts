/** What is wiped, and when: never what the next state holds, and nothing before that state counts. */
import type { ClientState } from 'ts-mls';
import { allSecretTreeValues } from 'ts-mls/internal/secretTree.js';
import { beforeEach, expect, it } from 'vitest';
import { prepareCommit } from './commit.ts';
import { adoptPending, dropPending } from './handshake.ts';
import { encryptMessage } from './messages.ts';
import { KEEP_NEWEST_EPOCHS } from './past.ts';
import { stateFrom } from './read-records.ts';
import { receive } from './receive.ts';
import type { GroupState } from './state.ts';
import { forgetOld, type Step } from './step.ts';
import { bytes, request, type TestDevice, World } from './testing/world.ts';

let world: World;
let alice: TestDevice;
let bob: TestDevice;
beforeEach(async () => {
  world = await World.make();
  [alice, bob] = await world.devices('alice/laptop', 'bob@beta/phone');
  await world.group(alice, bob);
});

function secretsIn(state: ClientState | undefined): Uint8Array[] {
  if (state === undefined) return [];
  const { keySchedule, privatePath, secretTree, signaturePrivateKey } = state;
  const values = [...Object.values(keySchedule), ...Object.values(privatePath.privateKeys), signaturePrivateKey];
  return [...values, ...allSecretTreeValues(secretTree)].filter((each) => each instanceof Uint8Array);
}

function held({ current, past, pending }: GroupState): Set<Uint8Array> {
  const ended = [...past.values()].flatMap(({ data }) => [
    data.senderDataSecret,
    ...allSecretTreeValues(data.secretTree),
  ]);
  return new Set([...secretsIn(current), ...secretsIn(pending?.next), ...ended.filter((each) => each)]);
}

function expectHarmless({ state, wipe }: Pick<Step, 'state' | 'wipe'>): void {
  const kept = held(state);
  expect(wipe.filter((secret) => kept.has(secret))).toEqual([]);
}

it('wipes the key of a message that was sent or read, and nothing that is still needed', async () => {
  const before = stateFrom(alice.store.copy());
  const sent = await encryptMessage(before, bytes('x'), new Uint8Array(), alice.env);
  expectHarmless(sent);
  expect(sent.wipe.length).toBeGreaterThan(0);
  await bob.group.receive(sent.bytes);
  const read = await receive(sent.state, await bob.group.send(bytes('y')), alice.env);
  expectHarmless(read);
  expect(read.wipe.length).toBeGreaterThan(0);
});

it('wipes the epoch that ended when its commit counts, but not the keys of its messages', async () => {
  const before = stateFrom(alice.store.copy());
  const waiting = await prepareCommit(before, {}, request(), alice.env);
  // Everything that the winner of a race would need is still there.
  expect(secretsIn(waiting.current)).toEqual(secretsIn(before.current));
  const adopted = adoptPending(waiting, alice.env);
  expectHarmless(adopted);
  const { keySchedule } = before.current ?? {};
  expect(adopted.wipe).toContain(keySchedule?.initSecret);
  expect(adopted.wipe).toContain(keySchedule?.exporterSecret);
  expect(adopted.wipe).not.toContain(keySchedule?.senderDataSecret);
  const later = forgetOld(adopted, world.now + KEEP_NEWEST_EPOCHS + 1);
  expect(later.wipe).toContain(keySchedule?.senderDataSecret);
  expectHarmless(later);
});

it('wipes of a commit that is void what only it knew', async () => {
  const before = stateFrom(alice.store.copy());
  const waiting = await prepareCommit(before, {}, request(), alice.env);
  const dropped = dropPending(waiting);
  expectHarmless(dropped);
  expect(dropped.wipe).toContain(waiting.pending?.next.keySchedule.exporterSecret);
  const won = await bob.group.commit({}, request());
  const lost = await receive(waiting, won.commit, alice.env);
  expectHarmless(lost);
  expect(lost.wipe).toContain(waiting.pending?.next.keySchedule.exporterSecret);
});

it('wipes nothing while the store has not answered', async () => {
  alice.store.failing = 'before';
  await expect(alice.group.send(bytes('x'))).rejects.toMatchObject({ code: 'MLS_NOT_SAVED' });
  await expect(alice.group.receive((await bob.group.commit({}, request())).commit)).rejects.toMatchObject({
    code: 'MLS_NOT_SAVED',
  });
  alice.store.failing = undefined;
  const { id } = bob.group.pending ?? { id: '' };
  const { commit } = bob.group.pending ?? { commit: new Uint8Array() };
  await bob.group.accepted(id);
  expect(await alice.group.receive(commit)).toMatchObject([{ kind: 'commit' }]);
  expect(alice.group.epochAuthenticator).toEqual(bob.group.epochAuthenticator);
});
