import { expect, it } from 'vitest';
import type { ConferenceId, DomainName } from '#signalling/ids.ts';
import { GIVEN_UP_MS, LostSides } from './lost-sides.ts';

const [beta, gamma] = ['beta.example' as DomainName, 'gamma.example' as DomainName];
const [one, two] = ['1'.repeat(22) as ConferenceId, '2'.repeat(22) as ConferenceId];
const always = () => true;
const counted = (sides: LostSides, isWanted: Parameters<LostSides['count']>[0] = always, now = 0) =>
  Object.fromEntries(sides.count(isWanted, now));

it('counts whoever was in a conference when the link broke, until it is let in again', () => {
  const sides = new LostSides();
  sides.lost(beta, [one, two], 0);
  sides.lost(gamma, [one], 0);
  expect(counted(sides)).toEqual({ [beta]: 2, [gamma]: 1 });
  sides.letIn(beta, one);
  expect(counted(sides)).toEqual({ [beta]: 1, [gamma]: 1 });
  sides.letIn(beta, two);
  sides.letIn(beta, two);
  expect(counted(sides)).toEqual({ [gamma]: 1 });
});

it('misses nobody in a conference that is over or that he may not be in, also where he may again', () => {
  const sides = new LostSides();
  sides.lost(beta, [one], 0);
  sides.lost(gamma, [two], 0);
  expect(counted(sides, (peer) => peer !== gamma)).toEqual({ [beta]: 1 });
  expect(counted(sides)).toEqual({ [beta]: 1 });
  expect(counted(sides, (_, conference) => conference !== one)).toEqual({});
});

it('takes it for given up after an hour, and a link without a conference for no loss', () => {
  const sides = new LostSides();
  sides.lost(beta, [one], 0);
  sides.lost(gamma, [], 0);
  expect(counted(sides, always, GIVEN_UP_MS - 1)).toEqual({ [beta]: 1 });
  expect(counted(sides, always, GIVEN_UP_MS)).toEqual({});
});
