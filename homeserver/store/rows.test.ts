import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inParts } from './rows.ts';

test('every row is in one part, in order, and there are eight lengths', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000 }), (count) => {
      const rows = Array.from({ length: count }, (_, index) => index);
      const parts = [...inParts(rows)];
      expect(parts.flat()).toEqual(rows);
      for (const { length } of parts) expect([1, 2, 4, 8, 16, 32, 64, 128]).toContain(length);
    }),
  );
});
