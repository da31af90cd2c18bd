import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inLists, inParts } from './rows.ts';

const upTo1000 = fc.integer({ min: 0, max: 1_000 }).map((count) => Array.from({ length: count }, (_, index) => index));

test('every row is in one part, in order, and there are few lengths', () => {
  fc.assert(
    fc.property(upTo1000, (rows) => {
      const parts = [...inParts(rows)];
      expect(parts.flat()).toEqual(rows);
      for (const { length } of parts) expect([1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128]).toContain(length);
    }),
  );
});

test('every value is in a list, and no other, and the lists are as few as can be', () => {
  fc.assert(
    fc.property(upTo1000, (values) => {
      const lists = [...inLists(values)];
      expect([...new Set(lists.flat())]).toEqual(values);
      expect(lists.length).toBe(Math.ceil(values.length / 128));
      for (const { length } of lists) expect([1, 2, 4, 8, 16, 32, 64, 128]).toContain(length);
    }),
  );
});
