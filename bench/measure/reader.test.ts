import { expect, it } from 'vitest';
import { slackOf } from './reader.ts';

const counts = (there: number, back: number) => ({
  'alpha>beta': { bytes: there, packets: 0 },
  'beta>alpha': { bytes: back, packets: 0 },
});

it('tells how much passed while it was read, of the direction where it matters most', () => {
  expect(slackOf(counts(1_000, 100), counts(1_000, 100))).toBe(0);
  expect(slackOf(counts(990, 100), counts(1_000, 100))).toBeCloseTo(0.01);
  expect(slackOf(counts(990, 90), counts(1_000, 100))).toBeCloseTo(0.1);
  expect(slackOf({}, counts(0, 0))).toBe(0);
});
