import { expect, it } from 'vitest';
import { dayWords, durationOf, fullWhen, shortWhen, timeOf } from './when.ts';

const at = (day: number, hour = 12) => new Date(2026, 2, day, hour, 5).getTime();

it('says days as people do, by the calendar and not by 24 hours', () => {
  const now = at(10, 0);
  expect([at(10, 0), at(9, 23), at(8), at(4), at(3)].map((each) => dayWords(each, now))).toEqual([
    'Today',
    'Yesterday',
    'Sunday',
    'Wednesday',
    'Tuesday, March 3, 2026',
  ]);
  expect([at(10, 0), at(9), at(4), at(3)].map((each) => shortWhen(each, now))).toEqual([
    timeOf(at(10, 0)),
    'Yesterday',
    'Wednesday',
    'Mar 3, 2026',
  ]);
  expect(fullWhen(at(9), now)).toBe(`Yesterday at ${timeOf(at(9))}`);
});

it('says how long in one unit', () => {
  expect([0, 1, 10, 59, 60, 300, 3_600, 86_400, 90_000, 604_800].map(durationOf)).toEqual([
    '0 seconds',
    '1 second',
    '10 seconds',
    '59 seconds',
    '1 minute',
    '5 minutes',
    '1 hour',
    '1 day',
    '1 day',
    '1 week',
  ]);
});
