import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { domain, user } from '../testing/world.ts';
import { GROWN_MS, type LimitedCall, RemoteLimits, rateOfDomain } from './limits.ts';

const beta = domain('beta.example');
const gamma = domain('gamma.example');
const bob = user('@bob@beta.example');
const CALLS: readonly LimitedCall[] = ['search', 'keyMaterial', 'consent'];

let now: number;
let ages: Map<string, number>;
let limits: RemoteLimits;

beforeEach(() => {
  now = 1_000_000;
  ages = new Map();
  limits = new RemoteLimits({ now: () => now, ageOf: (who) => ages.get(who) ?? 0 });
});

/** How many of `asked` are let through. */
function taken(call: LimitedCall, asked: number, who: (i: number) => typeof bob, from = beta): number {
  let count = 0;
  for (let i = 0; i < asked; i++) {
    try {
      limits.take(call, from, who(i));
      count += 1;
    } catch (error) {
      expect(error).toMatchObject({ code: 'FED_LIMIT', retry: true });
    }
  }
  return count;
}
const many = (i: number) => user(`@p${i}@beta.example`);

test('one person who asks without end is refused, and the others of his domain are not', () => {
  expect(taken('search', 1_000, () => bob)).toBe(20);
  const left = rateOfDomain('search', 0).burst - 20;
  expect(taken('search', 1_000, many)).toBe(left);
  now += 60_000;
  expect(taken('search', 1_000, () => bob)).toBe(20);
});

test('who is refused for his domain alone has not used up what is his', () => {
  taken('consent', 1_000, many);
  expect(taken('consent', 10, () => bob)).toBe(0);
  ages.set(beta, GROWN_MS);
  now += 60_000;
  expect(taken('consent', 100, () => bob)).toBe(20);
});

test('domains, and what they ask for, do not use up each other’s part', () => {
  taken('search', 1_000, many);
  expect(taken('consent', 5, () => bob)).toBe(5);
  expect(taken('search', 5, (i) => user(`@p${i}@gamma.example`), gamma)).toBe(5);
});

test('a domain may ask more the longer it is known, and not without end', () => {
  for (const call of CALLS) {
    const days = [0, 1, 7, 15, 30, 300].map((day) => rateOfDomain(call, day * 24 * 3_600_000).burst);
    expect(days).toEqual(days.toSorted((a, b) => a - b));
    expect(days[0]).toBeLessThan((days[3] ?? 0) / 4);
    expect(days[4]).toBe(days[5]);
    expect(rateOfDomain(call, -5)).toEqual(rateOfDomain(call, 0));
  }
});

test('a new domain makes a group of a hundred people at once', () => {
  expect(taken('keyMaterial', 100, () => bob)).toBe(100);
});

test('however it is spread over people and time, no more passes than burst and rate allow', () => {
  const step = fc.record({ who: fc.nat(40), wait: fc.nat(3_000), times: fc.integer({ min: 1, max: 30 }) });
  fc.assert(
    fc.property(fc.constantFrom(...CALLS), fc.array(step, { maxLength: 60 }), (call, steps) => {
      limits = new RemoteLimits({ now: () => now, ageOf: () => 0 });
      const began = now;
      let passed = 0;
      for (const { who, wait, times } of steps) {
        now += wait;
        passed += taken(call, times, () => many(who));
      }
      const { perSecond, burst } = rateOfDomain(call, 0);
      expect(passed).toBeLessThanOrEqual(burst + ((now - began) / 1_000) * perSecond + 1e-6);
    }),
    { numRuns: 200 },
  );
});
