import fc from 'fast-check';
import { expect, it } from 'vitest';
import { median } from './median.ts';

it('takes the middle of each number, and words from the first', () => {
  const run = (mbps: number, cpu: object) => ({ mode: 'layers', border: { 'a>b': { mbps } }, cpu });
  expect(median([run(3, { x: 1 }), run(9, { x: 2, y: 5 }), run(4, { x: 9 })])).toEqual(run(4, { x: 2, y: 5 }));
  expect(median([1, 2])).toBe(1.5);
  expect(median([])).toBeUndefined();
});

it('is one of an odd number of values, and the same in every order', () => {
  const odd = fc
    .array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 9 })
    .filter((all) => all.length % 2 === 1);
  fc.assert(
    fc.property(odd, (values) => {
      const middle = median(values.map((value) => ({ value })))?.value ?? -1;
      expect(values).toContain(middle);
      expect(median(values.toReversed().map((value) => ({ value })))).toEqual({ value: middle });
      expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2);
      expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2);
    }),
  );
});
