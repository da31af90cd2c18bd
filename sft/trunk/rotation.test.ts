import { expect, it } from 'vitest';
import { isDue, ROTATION } from './rotation.ts';

const HOUR_MS = 3_600_000;

it.each([
  [0, 0, false],
  [1_999, 23 * HOUR_MS, false],
  [2_000, 0, true],
  [0, 24 * HOUR_MS, true],
])('of a trunk with %i streams and an age of %i ms says %s', (streamsUsed, ageMs, due) => {
  expect(isDue({ streamsUsed, ageMs }, ROTATION)).toBe(due);
});
