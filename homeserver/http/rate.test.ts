import { expect, test } from 'vitest';
import { RateLimit } from './rate.ts';

test('twice the rate in a burst, then the rate, each key for itself', () => {
  let now = 0;
  const limit = new RateLimit(10, () => now);
  const admitted = (key: string, tries: number) =>
    Array.from({ length: tries }, () => limit.take(key)).filter(Boolean).length;
  expect(admitted('a', 100)).toBe(20);
  expect(admitted('b', 5)).toBe(5);
  now = 500;
  expect(admitted('a', 100)).toBe(5);
  now = 60_000;
  expect(admitted('a', 100)).toBe(20);
});

test('whoever keeps asking still gets the rate', () => {
  let now = 0;
  const limit = new RateLimit(10, () => now);
  let admitted = 0;
  for (; now < 10_000; now += 5) if (limit.take('a')) admitted += 1;
  expect(admitted).toBeGreaterThanOrEqual(118);
  expect(admitted).toBeLessThanOrEqual(120);
});

test('what may happen every few minutes only has a burst of its own', () => {
  let now = 0;
  const limit = new RateLimit(1 / 600, () => now, 3);
  expect([1, 2, 3, 4].map(() => limit.take('a'))).toEqual([true, true, true, false]);
  now = 600_000;
  expect([1, 2].map(() => limit.take('a'))).toEqual([true, false]);
});
