import { afterEach, beforeEach, expect, test } from 'vitest';
import { solve } from '#client/proof-of-work.ts';
import type { Work } from '#signalling/registration.ts';
import type { Store } from '../store/store.ts';
import { openTestStore, type TestWorld, testWorld } from '../testing/world.ts';
import { CHALLENGE_SECONDS, checkWork, issueChallenge, spendWork, sweepSpentWork } from './proof-of-work.ts';

const key = Buffer.alloc(32, 1);
const BITS = 10;
let store: Store;
let world: TestWorld;

beforeEach(async () => {
  store = await openTestStore();
  world = testWorld();
});
afterEach(() => store.close());

const solved = (bits = BITS) => solve(issueChallenge(key, bits, world));

test('what a client solves is accepted until the challenge expires', async () => {
  const work = await solved();
  const expires = world.now() + CHALLENGE_SECONDS * 1_000;
  expect(checkWork(key, work, BITS, world.now())).toBe(expires);
  world.advance(CHALLENGE_SECONDS * 1_000);
  expect(checkWork(key, work, BITS, world.now())).toBeUndefined();
});

test('another number, another key, another challenge, or less work than is asked for now is not', async () => {
  const work = await solved();
  const wrong = Array.from({ length: 40 }, (_, i) => ({ ...work, solution: `${work.solution}${i}` }));
  const right = wrong.filter((each) => checkWork(key, each, BITS, world.now()) !== undefined);
  expect(right.length).toBeLessThanOrEqual(2);
  expect(checkWork(Buffer.alloc(32, 2), work, BITS, world.now())).toBeUndefined();
  expect(checkWork(key, work, BITS + 1, world.now())).toBeUndefined();
});

test('a challenge that was altered, to be cheaper or to last longer, is not ours', async () => {
  const { challenge } = issueChallenge(key, BITS, world);
  const [bits = '', expires = '', nonce = '', signature = ''] = challenge.split('.');
  const altered = [
    `1.${expires}.${nonce}.${signature}`,
    `${bits}.9999999999999.${nonce}.${signature}`,
    `${bits}.${expires}.${'A'.repeat(16)}.${signature}`,
    `${bits}.${expires}.${nonce}.${'A'.repeat(43)}`,
    `${bits}.${expires}.${nonce}`,
    '',
  ];
  for (const each of altered) {
    const work = await solve({ challenge: each, bits: 4, expiresInSeconds: 1 });
    expect(checkWork(key, work, 1, world.now())).toBeUndefined();
  }
});

test('asking for a challenge leaves nothing behind; spending it does, once, until it has expired', async () => {
  const spent = () => store.db.selectFrom('spent_challenges').selectAll().execute();
  const work: Work = await solved();
  expect(await spent()).toEqual([]);
  const expires = checkWork(key, work, BITS, world.now()) ?? 0;
  await spendWork(store.db, work, expires);
  await expect(spendWork(store.db, work, expires)).rejects.toMatchObject({ code: 'HOME_WORK_REFUSED' });
  await sweepSpentWork(store.db, world.now());
  expect(await spent()).toHaveLength(1);
  world.advance(CHALLENGE_SECONDS * 1_000);
  await sweepSpentWork(store.db, world.now());
  expect(await spent()).toEqual([]);
});
