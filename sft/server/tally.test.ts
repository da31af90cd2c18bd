import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Tally } from './tally.ts';

const peer = (name: string, id: string, value: number) => ({ id, labels: { peer: name }, value });

it('goes on from where it was when a trunk is replaced by another one', () => {
  const tally = new Tally<{ peer: string }>();
  expect(tally.take([peer('beta', 'first', 1_000)])).toEqual([{ labels: { peer: 'beta' }, value: 1_000 }]);
  tally.take([peer('beta', 'first', 1_500), peer('beta', 'second', 10)]);
  expect(tally.take([peer('beta', 'second', 300)])).toEqual([{ labels: { peer: 'beta' }, value: 1_800 }]);
});

it('keeps the sum of a peer of whom nothing is left', () => {
  const tally = new Tally<{ peer: string }>();
  tally.take([peer('beta', 'first', 7), peer('gamma', 'other', 1)]);
  expect(tally.take([])).toEqual([
    { labels: { peer: 'beta' }, value: 7 },
    { labels: { peer: 'gamma' }, value: 1 },
  ]);
});

it('counts all of what has begun anew under the same name', () => {
  const tally = new Tally<{ peer: string }>();
  tally.take([peer('beta', 'stream', 100)]);
  expect(tally.take([peer('beta', 'stream', 40)])).toEqual([{ labels: { peer: 'beta' }, value: 140 }]);
});

it('never goes back, whatever comes and goes', () => {
  const reading = fc.uniqueArray(fc.record({ id: fc.constantFrom('a', 'b', 'c'), value: fc.nat() }), {
    selector: ({ id }) => id,
  });
  fc.assert(
    fc.property(fc.array(reading), (all) => {
      const tally = new Tally<{ peer: string }>();
      let before = 0;
      for (const readings of all) {
        const [sum] = tally.take(readings.map(({ id, value }) => peer('beta', id, value)));
        expect(sum?.value ?? 0).toBeGreaterThanOrEqual(before);
        before = sum?.value ?? 0;
      }
    }),
  );
});
