import { expect, test, vi } from 'vitest';
import type { ConferenceId, ParticipantId } from '#signalling/ids.ts';
import { Reactions, type RefusedSignal, SHOWN_AT_ONCE } from './reactions.ts';

const CALL = 'call'.padEnd(22, '_') as ConferenceId;
const id = (name: string) => name.padEnd(22, '_') as ParticipantId;
const NAMES = ['alice', 'bob'];

function device(name: string, shownMs = 60_000) {
  const sent: string[] = [];
  const refused: RefusedSignal[] = [];
  const reactions = new Reactions({
    send: (payload) => sent.push(payload),
    onRefused: (each) => refused.push(each),
    shownMs,
  });
  const participants = new Map(NAMES.map((each, leaf) => [leaf, id(each)]));
  const baseKey = new Uint8Array(16).fill(3);
  reactions.addEpoch(CALL, { number: 1n, baseKey, leafBits: 4, leaf: NAMES.indexOf(name), participants });
  const signs = () => reactions.store.state.map(({ participant, sign }) => [participant, sign]);
  return { reactions, sent, refused, signs };
}

test('a reaction is seen by both, for a while', async () => {
  const [alice, bob] = [device('alice', 50), device('bob', 50)];
  expect(await alice.reactions.react('🎉')).toBe(false);
  expect([alice.sent, alice.signs()]).toEqual([[], []]);
  alice.reactions.sendWith(1n);
  expect(await alice.reactions.react('🎉')).toBe(true);
  expect(alice.signs()).toEqual([[id('alice'), '🎉']]);
  await bob.reactions.take(id('alice'), alice.sent[0] ?? '');
  expect(bob.signs()).toEqual([[id('alice'), '🎉']]);
  await vi.waitUntil(() => bob.signs().length + alice.signs().length === 0);
});

test('at most three of one person are seen at a time, the newest', async () => {
  const [alice, bob] = [device('alice'), device('bob')];
  for (const { reactions } of [alice, bob]) reactions.sendWith(1n);
  await bob.reactions.react('😮');
  for (const sign of ['👍', '👏', '❤️', '😂'] as const) await alice.reactions.react(sign);
  // All at once: their order is that in which they came.
  await Promise.all(alice.sent.map((payload) => bob.reactions.take(id('alice'), payload)));
  const ofAlice = bob.signs().filter(([participant]) => participant === id('alice'));
  expect(ofAlice.map(([, sign]) => sign)).toEqual(['👏', '❤️', '😂']);
  expect(ofAlice).toHaveLength(SHOWN_AT_ONCE);
  expect(bob.signs()).toHaveLength(SHOWN_AT_ONCE + 1);
  for (const { reactions } of [alice, bob]) reactions.close();
});

test('what is refused is told, and shown to nobody; after the end nothing is', async () => {
  const [alice, bob] = [device('alice'), device('bob')];
  alice.reactions.sendWith(1n);
  await alice.reactions.react('👍');
  const [payload = ''] = alice.sent;
  await bob.reactions.take(id('mallory'), payload);
  await bob.reactions.take(id('alice'), payload);
  await bob.reactions.take(id('alice'), payload);
  expect(bob.refused.map(({ participant, refusal }) => [participant, refusal])).toEqual([
    [id('mallory'), 'otherSender'],
    [id('alice'), 'repeated'],
  ]);
  expect(bob.signs()).toHaveLength(1);
  for (const { reactions } of [alice, bob]) reactions.close();
  expect(bob.signs()).toEqual([]);
  expect(await alice.reactions.react('👍')).toBe(false);
});
