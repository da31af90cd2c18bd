import fc from 'fast-check';
import { expect, it } from 'vitest';
import { allot } from './allotment.ts';
import { BackOff, FIRST_BACK_OFF_MS, LAST_BACK_OFF_MS } from './back-off.ts';

const anyShares = fc.array(
  fc
    .record({ stated: fc.integer({ min: 0, max: 50 }), part: fc.double({ min: 0, max: 1, noNaN: true }) })
    .map(({ stated, part }) => ({ stated, taken: Math.floor(stated * part) })),
  { maxLength: 6 },
);
const total = (counts: readonly number[]) => counts.reduce((sum, each) => sum + each, 0);

it('gives away all of the limit that is asked for, and no more', () => {
  fc.assert(
    fc.property(fc.nat(200), anyShares, (limit, shares) => {
      const given = allot(limit, shares);
      expect(total(given)).toBe(Math.min(limit, total(shares.map(({ stated }) => stated))));
      for (const [i, { stated }] of shares.entries()) expect(given[i]).toBeLessThanOrEqual(stated);
    }),
  );
});

it('sends nobody away for a newcomer', () => {
  fc.assert(
    fc.property(anyShares, fc.nat(50), (shares, more) => {
      const limit = total(shares.map(({ taken }) => taken));
      const given = allot(limit, [{ stated: more, taken: 0 }, ...shares]);
      expect(given).toEqual([0, ...shares.map(({ taken }) => taken)]);
    }),
  );
});

it('lets a peer that was cut off come back after a pause that doubles', () => {
  const pauses = [];
  const backOff = new BackOff();
  let now = 0;
  for (let i = 0; i < 8; i++) {
    const { until } = backOff.cut('SFT_LINK_EXCESS', now);
    expect(backOff.refusal(until - 1)).toMatchObject({ code: 'SFT_LINK_EXCESS' });
    expect(backOff.refusal(until)).toBeUndefined();
    pauses.push(until - now);
    now = until;
  }
  expect(pauses.slice(0, 4)).toEqual([5_000, 10_000, 20_000, 40_000]);
  expect(pauses.at(-1)).toBe(LAST_BACK_OFF_MS);
  now += 3_600_000;
  expect(backOff.cut('SFT_LINK_EXCESS', now).until).toBe(now + FIRST_BACK_OFF_MS);
});
