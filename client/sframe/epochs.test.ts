import { expect, test } from 'vitest';
import { type Epoch, Epochs, KEPT_MS } from './epochs.ts';
import { nodeEngine } from './node-engine.ts';

let now = 0;
const make = () => new Epochs(nodeEngine, () => now);
const epochOf = (number: bigint): Epoch => ({
  ...{ number, baseKey: new Uint8Array(16).fill(7), leafBits: 4, leaf: 0, participants: new Map() },
});
const isWiped = ({ baseKey }: Epoch) => baseKey.every((byte) => byte === 0);

test('what was sent with the epoch before is read for a while, and then its key is nowhere', () => {
  const epochs = make();
  const [first, second, third] = [epochOf(1n), epochOf(2n), epochOf(3n)];
  for (const each of [first, second, third]) epochs.add(each);
  epochs.sendWith(1n);
  epochs.sendWith(2n);
  now += KEPT_MS;
  expect(epochs.find(1)).toBe(first);
  now += 1;
  // Nobody asks for it.
  epochs.sendWith(3n);
  expect([first, second, third].map(isWiped)).toEqual([true, false, false]);
  expect(epochs.find(1)).toBeUndefined();
  now += KEPT_MS + 1;
  expect(epochs.find(2)).toBeUndefined();
  expect(isWiped(second)).toBe(true);
  expect(epochs.sending).toBe(third);
});

test('of two epochs whose numbers look alike the newer is meant, and the key of the older is nowhere', () => {
  const epochs = make();
  const [old, next] = [epochOf(5n), epochOf(5n + 256n)];
  epochs.add(old);
  epochs.add(next);
  epochs.add(epochOf(5n));
  expect(epochs.find(5)).toBe(next);
  expect([isWiped(old), isWiped(next)]).toEqual([true, false]);
});
