import { expect, it } from 'vitest';
import { dropOld, KEEP_NEWEST_EPOCHS, KEEP_PAST_EPOCHS, type Past, type PastEpoch } from './past.ts';
import { Queue } from './queue.ts';
import { MAX_EPOCHS_AHEAD, MAX_WAITING_BYTES, reach, type Waiting, wait } from './waiting.ts';

const NONE: Waiting = new Map();

it('keeps what is early by epoch, in order, and hands it out when the epoch is reached', () => {
  const one = wait(NONE, 1n, 3n, Uint8Array.of(1));
  const two = wait(wait(one, 1n, 3n, Uint8Array.of(2)), 1n, 2n, Uint8Array.of(3));
  expect(one.get(3n)).toHaveLength(1);
  expect(reach(two, 2n)).toEqual({
    due: [Uint8Array.of(3)],
    still: new Map([[3n, [Uint8Array.of(1), Uint8Array.of(2)]]]),
  });
  expect(reach(two, 3n)).toEqual({ due: [Uint8Array.of(1), Uint8Array.of(2)], still: new Map() });
  expect(reach(two, 4n)).toEqual({ due: [], still: new Map() });
});

it('does not keep what is too far ahead or too much', () => {
  const future = expect.objectContaining({ code: 'MLS_EPOCH_FUTURE' });
  expect(() => wait(NONE, 1n, 2n + MAX_EPOCHS_AHEAD, Uint8Array.of(1))).toThrow(future);
  const full = wait(NONE, 1n, 2n, new Uint8Array(MAX_WAITING_BYTES));
  expect(() => wait(full, 1n, 3n, Uint8Array.of(1))).toThrow(future);
});

it('forgets past epochs by their time, and leaves no gap when the clock went back', () => {
  const data = {} as PastEpoch['data'];
  const ended = [5000, 1000, 9000, 9000, 9000, 9000, 9000];
  const past: Past = new Map(ended.map((endedAt, at) => [BigInt(at + 1), { data, endedAt }]));
  expect(dropOld(past, KEEP_PAST_EPOCHS).kept).toBe(past);
  expect([...dropOld(past, KEEP_PAST_EPOCHS + 1001).kept.keys()]).toEqual([3n, 4n, 5n, 6n, 7n]);
  expect(dropOld(past, KEEP_PAST_EPOCHS + 1001).dropped).toHaveLength(2);
});

it('keeps the newest past epochs for a day, also where a clock that was an hour back makes them look old', () => {
  const data = {} as PastEpoch['data'];
  const past: Past = new Map([1n, 2n, 3n, 4n, 5n].map((epoch) => [epoch, { data, endedAt: 0 }]));
  expect([...dropOld(past, 3_600_000).kept.keys()]).toEqual([2n, 3n, 4n, 5n]);
  expect(dropOld(past, KEEP_NEWEST_EPOCHS + 1).kept.size).toBe(0);
});

it('does one thing after the other, also after one that failed', async () => {
  const queue = new Queue();
  const order: string[] = [];
  const work = (name: string, fails = false) =>
    queue.run(async () => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
  const all = await Promise.allSettled([work('a', true), work('b')]);
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
});
