import { expect, it } from 'vitest';
import { impairedBetween } from './impaired.ts';
import type { BorderReading } from './process.ts';

const reading = (at: number, packets: number, carried: number, lost: number, limited: number): BorderReading => {
  const count = (each: number) => ({ bytes: each * 1_000, packets: each });
  return {
    at,
    counts: { 'alpha>beta': count(packets) },
    outcomes: { 'alpha>beta': { carried: count(carried), lost: count(lost), limited: count(limited) } },
  };
};

it('tells what became of the packets of the window', () => {
  expect(impairedBetween(reading(0, 100, 90, 6, 4), reading(2_000, 1_100, 960, 60, 50))).toEqual({
    'alpha>beta': { offered: 1_000, carried: 870, lost: 54, limited: 46, carriedMbps: 3.48 },
  });
});

it('has nothing to tell of a line that is as good as loopback', () => {
  const plain = { at: 0, counts: { 'alpha>beta': { bytes: 1, packets: 1 } } };
  expect(impairedBetween(plain, plain)).toBeUndefined();
});
