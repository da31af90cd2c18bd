import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { ConversationId } from '#signalling/ids.ts';
import type { Store } from '../store/store.ts';
import { domain, openTestStore, testWorld, until } from '../testing/world.ts';
import { backoffMs } from './backoff.ts';
import { Unreachable } from './errors.ts';
import { Outbox } from './outbox.ts';
import { enqueue } from './outbox-table.ts';

const beta = domain('beta.example');
const gamma = domain('gamma.example');
const conversation = (letter: string) => `mimi://alpha.example/r/${letter.repeat(22)}` as ConversationId;

let store: Store;
let outbox: Outbox;
let told: string[];
let givenUp: ErrorCode[];
let answer: (to: string, subject: string) => Promise<void>;

const make = () =>
  new Outbox({
    db: store.db,
    world: testWorld(),
    deliver: {
      conversation: async (to, subject) => {
        told.push(`${to} ${subject.slice(-1)}`);
        await answer(to, subject);
      },
      departure: async () => undefined,
      presence: async () => undefined,
      consent: async () => undefined,
      device: async () => undefined,
    },
    onGivenUp: (_domain, _kind, code) => givenUp.push(code),
    onFault: (error) => {
      throw error;
    },
  });

beforeEach(async () => {
  store = await openTestStore();
  [told, givenUp, answer] = [[], [], async () => undefined];
  outbox = make();
});
afterEach(async () => {
  await outbox.close();
  await store.close();
});

const put = (to: typeof beta, letter: string, seq = 1) =>
  enqueue(store.db, { domain: to, kind: 'conversation', subject: conversation(letter), seq, created_at: 0 });
const left = async () => (await store.db.selectFrom('outbox').selectAll().execute()).length;
const isEmpty = () => until(async () => (await left()) === 0, 'empty outbox');

test('tells the oldest first and then forgets it', async () => {
  for (const letter of 'abc') await put(beta, letter);
  outbox.wake(beta);
  await isEmpty();
  expect(told).toEqual(['beta.example a', 'beta.example b', 'beta.example c']);
});

test('of several changes of one conversation only the newest is told', async () => {
  for (const seq of [1, 2, 3]) await put(beta, 'a', seq);
  outbox.wake(beta);
  await isEmpty();
  expect(told).toEqual(['beta.example a']);
});

test('a change that comes while the one before it is being told is told too', async () => {
  await put(beta, 'a', 1);
  answer = async () => {
    answer = async () => undefined;
    await put(beta, 'a', 2);
    outbox.wake(beta);
  };
  outbox.wake(beta);
  await isEmpty();
  expect(told).toEqual(['beta.example a', 'beta.example a']);
});

test('a domain that is down keeps its entries, holds nobody else, and gets them when it is heard of', async () => {
  answer = async (to) => {
    if (to === beta) throw new Unreachable([beta]);
  };
  await put(beta, 'a');
  await put(gamma, 'a');
  outbox.wake(beta);
  outbox.wake(gamma);
  await until(async () => told.length === 2 && (await left()) === 1, 'gamma is told');
  outbox.wake(beta);
  expect(told).toHaveLength(2);
  answer = async () => undefined;
  await until(() => {
    outbox.retryNow(beta);
    return told.length === 3;
  }, 'beta is told');
  await isEmpty();
});

test('one conversation that its receiver chokes on does not hold the others', async () => {
  answer = async (_to, subject) => {
    if (subject === conversation('a')) throw new HawserError('SIG_INTERNAL');
  };
  for (const letter of 'abcdefghijkl') await put(beta, letter);
  outbox.wake(beta);
  await until(async () => (await left()) === 1, 'all but one are told');
});

test('what comes after one that its receiver chokes on does not wait for its next attempt', async () => {
  answer = async (_to, subject) => {
    if (subject === conversation('a')) throw new HawserError('FED_LIMIT');
  };
  await put(beta, 'a');
  outbox.wake(beta);
  await until(() => told.length === 1, 'the first is told');
  await put(beta, 'b');
  await until(async () => {
    outbox.wake(beta);
    return (await left()) === 1;
  }, 'the second is told');
  expect(told).toEqual(['beta.example a', 'beta.example b']);
  answer = async () => undefined;
  outbox.retryNow(beta);
  await isEmpty();
});

test('what is refused for good is given up', async () => {
  answer = async () => {
    throw new HawserError('FED_FOREIGN');
  };
  await put(beta, 'a');
  outbox.wake(beta);
  await isEmpty();
  expect(givenUp).toEqual(['FED_FOREIGN']);
});

test('what may not be told for now is told when it may be again, and holds nothing', async () => {
  answer = async (_, subject) => {
    if (subject === conversation('a')) throw new HawserError('FED_SCOPE');
  };
  for (const letter of 'ab') await put(beta, letter);
  outbox.wake(beta);
  await until(async () => (await left()) === 1, 'the other one is told');
  expect(givenUp).toEqual([]);
  answer = async () => undefined;
  await until(async () => {
    outbox.retryNow(beta);
    return (await left()) === 0;
  }, 'it is told');
  expect(told.at(-1)).toBe('beta.example a');
});

test('goes on where an earlier process stopped', async () => {
  await put(beta, 'a');
  await outbox.start();
  await isEmpty();
});

test('back-off doubles from one second to five minutes, with jitter', () => {
  expect([1, 2, 3, 9, 10, 50].map((failures) => backoffMs(failures, 1))).toEqual([
    1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
  ]);
  expect(backoffMs(1, 0)).toBe(500);
});
