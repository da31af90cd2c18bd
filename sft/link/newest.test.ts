import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Newest } from './newest.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('passes the first on at once, and then the newest no more often than each 20 ms, for each key by itself', () => {
  const passed: string[] = [];
  const newest = new Newest<string, number>(20, (key, value) => void passed.push(`${key}${value}`));
  for (let i = 1; i <= 5; i++) newest.take('a', i);
  newest.take('b', 1);
  expect(passed).toEqual(['a1', 'b1']);
  vi.advanceTimersByTime(20);
  expect(passed).toEqual(['a1', 'b1', 'a5']);
  newest.take('a', 6);
  expect(passed).toHaveLength(3);
  vi.advanceTimersByTime(20);
  expect(passed.at(-1)).toBe('a6');
  vi.advanceTimersByTime(100);
  newest.take('a', 7);
  expect(passed.at(-1)).toBe('a7');
  expect(newest.countMost()).toBe(7);
  expect(newest.countMost()).toBe(0);
});

it('passes nothing on after the end', () => {
  const passed: number[] = [];
  const newest = new Newest<string, number>(20, (_, value) => void passed.push(value));
  newest.take('a', 1);
  newest.take('a', 2);
  newest.close();
  vi.advanceTimersByTime(100);
  expect(passed).toEqual([1]);
});
