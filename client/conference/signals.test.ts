/** Whoever passes signals on is hostile here: what devices take of them is what the one who is named has said, once and in time. */
import { expect, test } from 'vitest';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import type { ConferenceId, ParticipantId } from '#signalling/ids.ts';
import { MAX_SIGNAL_BYTES } from '#signalling/signal.ts';
import { type Epoch, KEPT_MS } from '../sframe/epochs.ts';
import { SIGNS, type Signal, Signals } from './signals.ts';

const PEOPLE = ['alice', 'bob', 'carol'] as const;
type Name = (typeof PEOPLE)[number];
const id = (name: string) => name.padEnd(22, '_') as ParticipantId;
const CALL = 'call'.padEnd(22, '_') as ConferenceId;
const LIKE: Signal = { kind: 'reaction', sign: '👍' };

let now = 0;

/** All three have the keys of it. */
function epoch(number: bigint, of: Name, people: readonly string[] = PEOPLE): Epoch {
  const baseKey = new Uint8Array(16).fill(Number(number));
  const participants = new Map(people.map((name, leaf) => [leaf, id(name)]));
  return { number, baseKey, leafBits: 4, leaf: PEOPLE.indexOf(of), participants };
}

function device(of: Name, conference = CALL, numbers = [1n]): Signals {
  const signals = new Signals(() => now);
  for (const number of numbers) signals.addEpoch(conference, epoch(number, of));
  signals.sendWith(numbers[0] ?? 1n);
  return signals;
}

async function said(by: Signals, signal = LIKE): Promise<string> {
  return (await by.seal(signal)) ?? expect.fail('nothing can be said');
}

test('what one says the others read, and all signs look alike to everybody else', async () => {
  const [alice, bob] = [device('alice'), device('bob')];
  const lengths = new Set<number>();
  for (const sign of SIGNS) {
    const payload = await said(alice, { kind: 'reaction', sign });
    expect(await bob.open(id('alice'), payload)).toEqual({ signal: { kind: 'reaction', sign } });
    const bytes = fromBase64Url(payload) ?? expect.fail('no base64url');
    expect(Buffer.from(bytes).includes(sign)).toBe(false);
    lengths.add(bytes.length);
  }
  expect(lengths.size).toBe(1);
  expect([...lengths][0]).toBeLessThanOrEqual(MAX_SIGNAL_BYTES);
});

test("what one says is not taken as another's, of nobody who is in the call, and not as one's own", async () => {
  const [alice, bob] = [device('alice'), device('bob')];
  const payload = await said(alice);
  expect(await bob.open(id('carol'), payload)).toEqual({ refusal: 'forged' });
  expect(await bob.open(id('mallory'), payload)).toEqual({ refusal: 'otherSender' });
  expect(await bob.open(id('bob'), payload)).toEqual({ refusal: 'otherSender' });
  expect(await alice.open(id('alice'), payload)).toEqual({ refusal: 'otherSender' });
  // It was not used up by that.
  expect(await bob.open(id('alice'), payload)).toEqual({ signal: LIKE });
});

test('what was said is taken once, and what was held back not after what was said later', async () => {
  const [alice, bob, carol] = [device('alice'), device('bob'), device('carol')];
  const [first, second] = [await said(alice), await said(alice)];
  const both = await Promise.all([bob.open(id('alice'), first), bob.open(id('alice'), first)]);
  expect(both).toEqual([{ signal: LIKE }, { refusal: 'repeated' }]);
  expect(await carol.open(id('alice'), second)).toEqual({ signal: LIKE });
  expect(await carol.open(id('alice'), first)).toEqual({ refusal: 'repeated' });
});

test('what was changed anywhere is not taken', async () => {
  const [alice, bob] = [device('alice'), device('bob')];
  const bytes = fromBase64Url(await said(alice)) ?? expect.fail('no base64url');
  for (const at of bytes.keys()) {
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(await bob.open(id('alice'), toBase64Url(changed))).toHaveProperty('refusal');
  }
  for (const other of ['', '!', toBase64Url(bytes.subarray(1)), `${toBase64Url(bytes)}AAAA`])
    expect(await bob.open(id('alice'), other)).toEqual({ refusal: 'malformed' });
  expect(await bob.open(id('alice'), toBase64Url(bytes))).toEqual({ signal: LIKE });
});

test('with the keys of another call or epoch nothing is read', async () => {
  const bob = device('bob');
  const elsewhere = device('alice', 'other'.padEnd(22, '_') as ConferenceId);
  expect(await bob.open(id('alice'), await said(elsewhere))).toEqual({ refusal: 'forged' });
  expect(await bob.open(id('alice'), await said(device('alice', CALL, [2n])))).toEqual({ refusal: 'unknownKey' });
});

test('of older epochs the newest is read, for ten seconds after another is sent with', async () => {
  const [alice, bob] = [device('alice'), device('bob')];
  const [early, late, later] = [await said(alice), await said(alice), await said(alice)];
  bob.addEpoch(CALL, epoch(2n, 'bob'));
  expect(await bob.open(id('alice'), early)).toEqual({ signal: LIKE });
  bob.sendWith(2n);
  now += KEPT_MS;
  expect(await bob.open(id('alice'), late)).toEqual({ signal: LIKE });
  now += 1;
  expect(await bob.open(id('alice'), later)).toEqual({ refusal: 'unknownKey' });

  const carol = device('carol', CALL, [1n, 2n, 3n]);
  expect(await carol.open(id('alice'), early)).toEqual({ refusal: 'unknownKey' });
});

test('whoever is not in the group any more says nothing in the new epoch', async () => {
  const [alice, bob] = [device('alice', CALL, [1n, 2n]), device('bob')];
  bob.addEpoch(CALL, epoch(2n, 'bob', ['gone', 'bob', 'carol']));
  alice.sendWith(2n);
  expect(await bob.open(id('alice'), await said(alice))).toEqual({ refusal: 'otherSender' });
});

test('nothing is said before there are keys, and while they may not be used', async () => {
  const signals = new Signals(() => now);
  expect(await signals.seal(LIKE)).toBeUndefined();
  signals.addEpoch(CALL, epoch(1n, 'alice'));
  expect(await signals.seal(LIKE)).toBeUndefined();
  signals.sendWith(1n);
  expect(signals.self).toBe(id('alice'));
  signals.hold();
  expect(await signals.seal(LIKE)).toBeUndefined();
  signals.sendWith(1n);
  expect(await signals.seal(LIKE)).toBeDefined();
});

test('the key that it was given may be overwritten', async () => {
  const alice = new Signals(() => now);
  const given = epoch(1n, 'alice');
  alice.addEpoch(CALL, given);
  given.baseKey.fill(0);
  alice.sendWith(1n);
  expect(await device('bob').open(id('alice'), await said(alice))).toEqual({ signal: LIKE });
});

test('what a newer program says is passed over, and is no attempt of anybody', async () => {
  const [alice, bob] = [device('alice'), device('bob')];
  const wave: Signal = JSON.parse('{"kind":"wave"}');
  expect(await bob.open(id('alice'), await said(alice, wave))).toEqual({});
  const unknown: Signal = JSON.parse('{"kind":"reaction","sign":"a word"}');
  expect(await bob.open(id('alice'), await said(alice, unknown))).toEqual({});
});
