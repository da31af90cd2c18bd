/** From the encoder of one device to the decoder of another, over somebody who is not to be trusted. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ParticipantId } from '#signalling/ids.ts';
import { type Epoch, Epochs, KEPT_MS } from './epochs.ts';
import { type ArrivedFrame, IncomingFrames, type Refusal, WAIT_MS } from './incoming-frames.ts';
import { type EncoderId, leafBitsOf, MAX_ENCODERS, readKeyId, writeKeyId } from './key-id.ts';
import { nodeEngine } from './node-engine.ts';
import { OutgoingFrames } from './outgoing-frames.ts';

const ALICE = 'alice-in-this-call' as ParticipantId;
const BOB = 'bob-in-this-call' as ParticipantId;
const CAMERA: EncoderId = { number: 5, kind: 'camera', layer: 1 };
const VOICE: EncoderId = { number: 6, kind: 'microphone', layer: 0 };
/** Of a delta frame of VP8. */
const CLEAR = 3;

function epoch(
  number: number,
  participants: readonly [number, ParticipantId][] = [
    [2, ALICE],
    [3, BOB],
  ],
): Epoch {
  return {
    number: BigInt(number),
    baseKey: Uint8Array.from({ length: 16 }, (_, at) => at ^ number),
    leafBits: leafBitsOf(4),
    leaf: 2,
    participants: new Map(participants),
  };
}

/** Alice sends, Bob looks and listens. */
function call(kind: 'camera' | 'microphone' = 'camera', encoder: EncoderId = kind === 'camera' ? CAMERA : VOICE) {
  let now = 0;
  const clock = () => now;
  const [of, at] = [new Epochs(nodeEngine, clock), new Epochs(nodeEngine, clock)];
  for (const each of [of, at]) each.add(epoch(1));
  of.sendWith(1n);
  const outgoing = new OutgoingFrames(of, encoder);
  const refused: Refusal[] = [];
  const stranded: number[] = [];
  const incoming = new IncomingFrames({
    ...{ epochs: at, participant: ALICE, kind, now: clock },
    onRefused: (refusal) => refused.push(refusal),
    onStranded: () => stranded.push(now),
  });
  const clear = kind === 'camera' ? CLEAR : 0;
  let pictures = 0;
  /** A frame that builds on the one before, or on those that are named. */
  const make = async (references?: readonly number[]): Promise<ArrivedFrame> => {
    const id = pictures++;
    const needs = references ?? (id === 0 ? [] : [id - 1]);
    const data = Uint8Array.from({ length: 20 }, () => id);
    const picture = kind === 'camera' ? { picture: { id: id + 100, references: needs.map((each) => each + 100) } } : {};
    const sealed = await outgoing.seal({ data, clear, ...picture });
    if (!sealed) throw new Error('there is no key');
    return { data: sealed, clear, timestamp: (0xffff_f000 + id * 3_000) >>> 0 };
  };
  const several = async (count: number) => {
    const made: ArrivedFrame[] = [];
    for (let at = 0; at < count; at++) made.push(await make());
    return made;
  };
  /** @returns the first byte of each that is shown, which is its number */
  const show = async (...frames: readonly ArrivedFrame[]) => {
    const shown: number[] = [];
    for (const frame of frames) {
      for (const { data } of await incoming.take(frame)) {
        expect(new Set(data).size).toBe(1);
        expect(data.length).toBe(20);
        shown.push(data[0] ?? -1);
      }
    }
    return shown;
  };
  return { of, at, outgoing, incoming, refused, stranded, make, several, show, pass: (ms: number) => (now += ms) };
}

const changed = (frame: ArrivedFrame, at: number): ArrivedFrame => ({
  ...frame,
  data: frame.data.map((byte, index) => (index === at ? byte ^ 1 : byte)),
});

it.each(['camera', 'microphone'] as const)('shows what a %s sends, over the end of the timestamps', async (kind) => {
  const { several, show, refused } = call(kind);
  expect(await show(...(await several(10)))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(refused).toEqual([]);
});

it('shows no frame of which a bit was changed, nor one that was cut', async () => {
  const { make, show, refused } = call();
  const frame = await make();
  for (let at = 0; at < frame.data.length; at++) expect(await show(changed(frame, at)), `byte ${at}`).toEqual([]);
  for (let length = 0; length < frame.data.length; length++)
    expect(await show({ ...frame, data: frame.data.subarray(0, length) })).toEqual([]);
  const others = refused.length;
  expect(others).toBeGreaterThan(frame.data.length);
  expect(await show(frame)).toEqual([0]);
});

it('shows nothing twice', async () => {
  const { several, show, refused } = call();
  const frames = await several(300);
  expect(await show(...frames)).toHaveLength(300);
  for (const at of [0, 30, 200, 299]) expect(await show(frames[at] as ArrivedFrame)).toEqual([]);
  expect(refused).toEqual(['repeated', 'repeated', 'repeated', 'repeated']);
});

it('shows nothing that was given another time, so that its order would be another', async () => {
  const { several, show, refused } = call('microphone');
  const [a, b, c] = (await several(3)) as [ArrivedFrame, ArrivedFrame, ArrivedFrame];
  expect(await show(a, { ...c, timestamp: b.timestamp }, { ...b, timestamp: c.timestamp })).toEqual([0, 2]);
  expect(refused).toEqual(['reordered']);
});

it('shows sound that only took another way, and sound behind what was lost', async () => {
  const { several, show, refused } = call('microphone');
  const [a, b, c, , e] = (await several(5)) as [ArrivedFrame, ArrivedFrame, ArrivedFrame, ArrivedFrame, ArrivedFrame];
  expect(await show(a, c, b, e)).toEqual([0, 2, 1, 4]);
  expect(refused).toEqual([]);
});

it('lets a picture wait for one that comes later, and shows none whose base was left out', async () => {
  const { several, make, show, refused, pass } = call();
  const [a, b, c, d] = (await several(4)) as [ArrivedFrame, ArrivedFrame, ArrivedFrame, ArrivedFrame];
  expect(await show(a, c, d)).toEqual([0]);
  expect(await show(b)).toEqual([1, 2, 3]);
  const [, f] = (await several(2)) as [ArrivedFrame, ArrivedFrame];
  expect(await show(f)).toEqual([]);
  pass(WAIT_MS);
  const key = await make([]);
  expect(await show(key)).toEqual([6]);
  expect(refused).toEqual(['incomplete']);
});

it('says at once that it needs a picture that builds on nothing, where the one before it was not for this device', async () => {
  const { of, at, several, make, show, refused, stranded, pass } = call();
  const unreadable = (await several(2)).map((frame) => changed(frame, frame.data.length - 1));
  of.add(epoch(2));
  at.add(epoch(2));
  of.sendWith(2n);
  const [next, another] = (await several(2)) as [ArrivedFrame, ArrivedFrame];
  pass(40);
  expect(await show(next)).toEqual([]);
  expect(stranded).toEqual([40]);
  pass(20);
  expect(await show(await make([]), another)).toEqual([4]);
  // It went on: what never could be shown is given up in silence.
  pass(WAIT_MS);
  expect(await show(await make())).toEqual([5]);
  expect(refused).toEqual(['incomplete', 'incomplete']);
  expect(stranded).toEqual([40]);
  expect(await show(...unreadable)).toEqual([]);
  expect(stranded).toEqual([40, 1_060, 1_060]);
});

it('goes on where a layer of time is left out, on which nothing builds', async () => {
  const { make, show, refused } = call();
  const key = await make([]);
  await make([0]);
  const base = await make([0]);
  await make([2]);
  expect(await show(key, base, await make([2]))).toEqual([0, 2, 4]);
  expect(refused).toEqual([]);
});

it('shows nothing of one participant as of another, nor a screen as a camera', async () => {
  const { at, make, several, refused, show } = call('camera', { ...CAMERA, kind: 'screen' });
  expect(await show(await make())).toEqual([]);
  expect(refused).toEqual(['otherSource']);
  const frames = await several(1);
  const toOthers: Refusal[] = [];
  const bobs = new IncomingFrames({
    ...{ epochs: at, participant: BOB, kind: 'screen', now: () => 0 },
    onRefused: (refusal) => toOthers.push(refusal),
  });
  for (const frame of frames) expect(await bobs.take(frame)).toEqual([]);
  expect(toOthers).toEqual(['otherSender']);
});

it('takes a new epoch without a lost picture, whichever comes first, its keys or its frames', async () => {
  const { of, at, several, show, refused } = call();
  const before = await several(3);
  of.add(epoch(2));
  of.sendWith(2n);
  const after = await several(3);
  expect(await show(...before, ...after)).toEqual([0, 1, 2]);
  at.add(epoch(2));
  expect(await show(...(await several(1)))).toEqual([3, 4, 5, 6]);
  expect(refused).toEqual([]);
});

it('reads frames of the epoch before for ten seconds, and none after them', async () => {
  const { of, at, make, show, refused, pass } = call();
  const early = await make();
  for (const each of [of, at]) {
    each.add(epoch(2));
    each.sendWith(2n);
  }
  pass(KEPT_MS);
  expect(await show(early)).toEqual([0]);
  const { make: makeOther } = call();
  const late = await makeOther();
  pass(1);
  expect(await show(late)).toEqual([]);
  pass(WAIT_MS);
  expect(await show(await make([]))).toEqual([1]);
  expect(refused).toEqual(['unknownKey']);
});

it('cannot be read by whoever is out of the epoch', async () => {
  const { of, make, show, refused, pass } = call();
  of.add(epoch(2));
  of.sendWith(2n);
  expect(await show(await make())).toEqual([]);
  pass(WAIT_MS + 1);
  await show(await make());
  expect(refused).toContain('unknownKey');
});

it('sends nothing while there is no key, and never with an older epoch', async () => {
  const epochs = new Epochs(nodeEngine, () => 0);
  const outgoing = new OutgoingFrames(epochs, CAMERA);
  const frame = { data: new Uint8Array(10), clear: 3, picture: { id: 1, references: [] } };
  expect(await outgoing.seal(frame)).toBeUndefined();
  epochs.add(epoch(2));
  expect(await outgoing.seal(frame)).toBeUndefined();
  epochs.sendWith(2n);
  expect(await outgoing.seal(frame)).toBeDefined();
  epochs.add(epoch(1));
  epochs.sendWith(1n);
  expect(epochs.sending?.number).toBe(2n);
});

it('sends no picture that builds on one that was not sent', async () => {
  const { outgoing } = call();
  const picture = (id: number, ...references: number[]) =>
    outgoing.seal({ data: new Uint8Array(10), clear: 3, picture: { id, references } });
  expect(await picture(2, 1)).toBeUndefined();
  expect(await picture(3, 2)).toBeUndefined();
  expect(await picture(4)).toBeDefined();
  for (let id = 1_000; id < 1_300; id++) expect(await picture(id, 1)).toBeUndefined();
  expect(await picture(5, 4)).toBeDefined();
});

it('keeps a KID apart into what it was made of', () => {
  const bits = fc.integer({ min: 1, max: 11 });
  const encoder = fc.record({
    number: fc.integer({ min: 0, max: MAX_ENCODERS - 1 }),
    kind: fc.constantFrom('microphone', 'camera', 'screen'),
    layer: fc.integer({ min: 0, max: 2 }),
  });
  fc.assert(
    fc.property(bits, encoder, fc.nat(), fc.integer({ min: 0, max: 15 }), (leafBits, of, random, short) => {
      const id = { encoder: of, leaf: random % 2 ** leafBits, epoch: short };
      expect(readKeyId(writeKeyId(id, leafBits), leafBits)).toEqual(id);
    }),
  );
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), bits, (kid, leafBits) => {
      const id = readKeyId(kid, leafBits);
      if (id) expect(writeKeyId(id, leafBits)).toBe(kid);
    }),
  );
});
