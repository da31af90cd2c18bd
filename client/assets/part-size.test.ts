import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FIRST_PART, LARGEST_PART, nextPartSize } from './part-size.ts';

const MOST = 16 * 1024 * 1024;

it('grows while parts go quickly, and shrinks where they take long or fail', () => {
  expect(nextPartSize(FIRST_PART, FIRST_PART, 100, MOST)).toBe(2 * FIRST_PART);
  expect(nextPartSize(FIRST_PART, FIRST_PART, 1_500, MOST)).toBe(FIRST_PART);
  expect(nextPartSize(FIRST_PART, FIRST_PART, 4_000, MOST)).toBe(FIRST_PART / 2);
  expect(nextPartSize(FIRST_PART, FIRST_PART, undefined, MOST)).toBe(FIRST_PART / 2);
  expect(nextPartSize(LARGEST_PART, LARGEST_PART, 1, MOST)).toBe(LARGEST_PART);
});

it('is not misled by a remainder that went quickly', () => {
  expect(nextPartSize(FIRST_PART, 32, 1, MOST)).toBe(FIRST_PART);
});

it('is within what both sides take', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 30 }),
      fc.nat(),
      fc.option(fc.nat(), { nil: undefined }),
      fc.integer({ min: 1, max: MOST }),
      (size, sent, ms, most) => {
        const next = nextPartSize(size, sent, ms, most);
        expect(next).toBeGreaterThanOrEqual(1);
        expect(next).toBeLessThanOrEqual(Math.min(most, LARGEST_PART));
      },
    ),
  ));
