import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

it('grows from a quarter of a second to 15 s and is spread', () => {
  expect(backoffMs(1, 0)).toBe(250);
  expect(backoffMs(3, 0.5)).toBe(1_500);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
      const ms = backoffMs(attempt, random);
      expect(ms).toBeGreaterThanOrEqual(250);
      expect(ms).toBeLessThanOrEqual(15_000);
    }),
  );
});
