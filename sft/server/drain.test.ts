import { expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import { Drain } from './drain.ts';

function drainOf(people: { count: number }) {
  const begun: number[] = [];
  const ends: string[] = [];
  const drain = new Drain({ isEmpty: () => people.count === 0, onBegun: (at) => begun.push(at), now: () => 1_000 });
  void drain.over.then((end) => ends.push(end));
  return { drain, begun, ends };
}

it('is over when the last one has left, and not before it has begun', async () => {
  const people = { count: 0 };
  const { drain, begun, ends } = drainOf(people);
  drain.look();
  people.count = 1;
  expect(drain.until).toBeUndefined();
  drain.begin(60_000);
  expect([begun, drain.until]).toEqual([[61_000], 61_000]);
  drain.look();
  await Promise.resolve();
  expect(ends).toEqual([]);
  people.count = 0;
  drain.look();
  await until(() => ends.length > 0, 'the end');
  expect(ends).toEqual(['everybody has left']);
  drain.close();
});

it('is over at once where nobody is there, or no time is given', async () => {
  const empty = drainOf({ count: 0 });
  empty.drain.begin(60_000);
  const full = drainOf({ count: 3 });
  full.drain.begin(0);
  await until(() => empty.ends.length + full.ends.length === 2, 'both ends');
  expect([empty.ends, full.ends]).toEqual([['everybody has left'], ['the time is over']]);
  empty.drain.close();
});

it('goes by the newer time where it is begun twice', async () => {
  const { drain, begun, ends } = drainOf({ count: 1 });
  drain.begin(3_600_000);
  drain.begin(5);
  expect(begun).toEqual([3_601_000, 1_005]);
  await until(() => ends.length > 0, 'the end');
  expect(ends).toEqual(['the time is over']);
});
