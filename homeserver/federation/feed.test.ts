/** From the hub's queue into those of another domain's devices, whatever becomes of the requests. */
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toBase64Url } from '#signalling/base64.ts';
import type { Statement } from '#signalling/federation.ts';
import { MAX_FED, MAX_FEED_LENGTH } from '#signalling/federation-feed.ts';
import type { GroupId } from '#signalling/ids.ts';
import { parseNotice } from '#signalling/notice.ts';
import { save } from '../ds/repository.ts';
import { until } from '../testing/world.ts';
import { TooMuch, Unreachable } from './errors.ts';
import { enqueue } from './outbox-table.ts';
import { ALICE, ALPHA, BETA, BOB, BOBS_PHONE, COMMIT, FeedPair, GROUP, knowRoom, ROOM } from './testing/feed-pair.ts';
import { tellUndelivered } from './undelivered.ts';

const OTHER = 'mimi://alpha.example/g/BBBBBBBBBBBBBBBB' as GroupId;

const NOTICE = toBase64Url(
  new TextEncoder().encode(JSON.stringify({ conversation: ROOM, change: { type: 'parted', domain: BETA } })),
);

let pair: FeedPair;

beforeEach(async () => {
  pair = await FeedPair.open();
});
afterEach(async () => {
  await pair[Symbol.asyncDispose]();
  expect(pair.faults).toEqual([]);
});

const arrives = (texts: readonly string[], device = BOB) =>
  until(async () => (await pair.got(device)).length >= texts.length, 'what was said').then(async () =>
    expect(await pair.got(device)).toEqual(texts),
  );

test('a domain that takes no more for now gets the rest when it said, not before and not much later', async () => {
  const refusals = 6;
  const waitMs = 150;
  const asked: number[] = [];
  await pair.join();
  await until(() => pair.requests.length > 0, 'the first one is there');
  pair.network = (feed) => {
    asked.push(performance.now());
    return asked.length <= refusals ? Promise.reject(new TooMuch(waitMs)) : pair.deliver(feed);
  };
  await pair.say('one');
  await until(() => asked.length > 0, 'it is refused');
  await pair.say('two');
  // It asks itself, which is no reason to come earlier.
  pair.hub.feeds.retryNow(BETA);
  await arrives(['one', 'two']);
  const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThan(waitMs - 20);
  // Six failures would take a quarter of a minute at least.
  expect((asked.at(-1) ?? 0) - (asked[0] ?? 0)).toBeLessThan(10_000);
  expect((await pair.hub.feeds.state())[0]).toMatchObject({ waiting: 0, since: undefined });
});

describe('a domain gets', () => {
  test('what is said while one of its devices is in, and the entry by which the last one leaves', async () => {
    await pair.say('before');
    await pair.join();
    await pair.say('one');
    await pair.say('elsewhere', { audience: OTHER });
    await pair.leave();
    await pair.say('after');
    await arrives(['one', COMMIT]);
    expect(pair.requests.flatMap(({ entries }) => entries.map(({ payload }) => payload))).toEqual([
      ...[COMMIT, 'one', COMMIT],
    ]);
  });

  test('what it did not get of an earlier stay, also when it is back', async () => {
    pair.cut();
    await pair.join();
    await pair.say('first stay');
    await pair.leave();
    await pair.say('between');
    await pair.join();
    await pair.say('second stay');
    await pair.leave();
    await pair.join();
    pair.heal();
    await arrives(['first stay', COMMIT, 'second stay', COMMIT]);
  });

  test('the rest while one of two devices has left', async () => {
    await pair.join(BOB);
    await pair.join(BOBS_PHONE);
    await pair.leave(BOB, false);
    await pair.say('for the phone');
    await arrives([COMMIT, 'for the phone'], BOBS_PHONE);
    await arrives([COMMIT, COMMIT], BOB);
  });

  test('its own commit not, by which a device joined by itself, but what follows', async () => {
    await pair.write({ kind: 'commit', payload: COMMIT, id: 'request', sender: BOB }, { joined: [BOB] });
    await pair.say('hello');
    await arrives([COMMIT, 'hello']);
  });

  test('nothing while it is not allowed, and the rest when it is', async () => {
    await pair.join();
    await until(async () => (await pair.hub.feeds.state())[0]?.waiting === 0, 'the first');
    pair.isAllowed = false;
    await pair.say('waits');
    expect(await pair.hub.feeds.state()).toMatchObject([{ domain: BETA, waiting: 1 }]);
    pair.isAllowed = true;
    pair.hub.feeds.retryNow(BETA);
    await arrives(['waits']);
  });
});

describe('requests', () => {
  test('carry as much as came while the one before was under way, and not more than their bounds', async () => {
    await pair.join();
    await until(() => pair.requests.length === 1, 'the first');
    pair.cut();
    const many = Array.from({ length: MAX_FED + 10 }, (_, i) => pair.say(`${i}`));
    const large = 'A'.repeat(MAX_FEED_LENGTH / 2);
    await Promise.all(many);
    for (const _ of 'abc') await pair.say(large);
    pair.heal();
    await arrives([...many.map((_, i) => `${i}`), large, large, large]);
    const [, ...rest] = pair.requests;
    expect(rest.map(({ entries }) => entries.length)).toEqual([MAX_FED, 11, 2]);
    expect(rest.map(({ after }) => after)).toEqual([1, 1 + MAX_FED, 1 + MAX_FED + 11]);
  });

  test('begin with the states of their conversations that are not told yet, and settle them', async () => {
    const member = { user: 'mimi://beta.example/u/bob', domain: BETA, name: 'Bob', role: 'member' };
    const state = { conversation: ROOM, seq: 3, title: 'Ropes', members: [member], group: GROUP } as Statement;
    const order: string[] = [];
    pair.accept = async (statement) => {
      order.push(`${statement.seq}`);
      return statement;
    };
    await pair.hub.store.transaction(async (tx) => {
      await save(tx, undefined, state, 1);
      await enqueue(tx, { domain: BETA, kind: 'conversation', subject: ROOM, seq: 3, created_at: 1 });
    });
    await pair.join();
    await until(() => pair.requests.length === 1, 'one request');
    expect(order).toEqual(['3']);
    await until(async () => {
      const left = await pair.hub.store.db.selectFrom('outbox').selectAll().execute();
      return left.length === 0;
    }, 'it is settled');
  });

  test('a domain that does not answer is asked again when it is heard of, and its state says since when', async () => {
    await pair.join();
    await until(() => pair.requests.length === 1, 'the first');
    pair.cut();
    const since = pair.world.now();
    await pair.say('one');
    await until(async () => (await pair.hub.feeds.state())[0]?.lastFailure === 'FED_UNREACHABLE', 'it failed');
    pair.world.advance(5_000);
    await pair.say('two');
    expect(await pair.hub.feeds.state()).toEqual([
      { domain: BETA, waiting: 2, oldestAt: since, since, lastFailure: 'FED_UNREACHABLE' },
    ]);
    pair.heal();
    await arrives(['one', 'two']);
    await until(async () => (await pair.hub.feeds.state())[0]?.since === undefined, 'it is well');
  });

  test('whose answer is lost do no harm: everything is taken once', async () => {
    await pair.join();
    await until(() => pair.requests.length === 1, 'the first');
    pair.network = async (feed) => {
      await pair.deliver(feed);
      throw new Unreachable([BETA]);
    };
    await pair.say('one');
    await until(() => pair.requests.length === 2, 'it arrived');
    await pair.say('two');
    pair.heal();
    await arrives(['one', 'two']);
    expect(pair.equivocated).toBe(0);
  });

  test('a follower that goes back again and again is left alone', async () => {
    await pair.join();
    await until(() => pair.requests.length === 1, 'the first');
    await pair.say('one');
    await arrives(['one']);
    let asked = 0;
    pair.network = async ({ after }) => {
      asked += 1;
      return { received: Math.max(0, after - 1) };
    };
    await pair.say('two');
    await until(async () => (await pair.hub.feeds.state())[0]?.lastFailure === 'FED_EQUIVOCATED', 'it is left alone');
    expect(asked).toBe(2);
  });
});

describe('what is needed is kept', () => {
  test('until the domain has it, and no longer', async () => {
    pair.cut();
    await pair.hub.writer.run((tx) => pair.hub.queues.subscribe(tx, ALICE, GROUP, 0));
    await pair.join();
    await pair.say('one');
    await pair.hub.queues.acknowledge(ALICE, 2);
    expect(await pair.kept()).toEqual([COMMIT, 'one']);
    pair.heal();
    await arrives(['one']);
    expect(await pair.kept()).toEqual([]);
  });

  test('also of a stay that is over, and nothing of what came later', async () => {
    pair.cut();
    await pair.hub.writer.run((tx) => pair.hub.queues.subscribe(tx, ALICE, GROUP, 0));
    await pair.join();
    await pair.say('one');
    await pair.leave();
    await pair.say('two');
    await pair.hub.queues.acknowledge(ALICE, 4);
    expect(await pair.kept()).toEqual([COMMIT, 'one', COMMIT]);
    pair.heal();
    await arrives(['one', COMMIT]);
    expect(await pair.kept()).toEqual([]);
    expect(await pair.hub.store.db.selectFrom('followings').selectAll().execute()).toEqual([]);
    expect(await pair.hub.store.db.selectFrom('feed_moves').selectAll().execute()).toEqual([]);
  });

  test('of a domain that is forgotten nothing', async () => {
    pair.cut();
    await pair.join();
    await pair.say('one');
    await pair.hub.feeds.forget(BETA);
    expect(await pair.kept()).toEqual([]);
    expect(await pair.hub.feeds.state()).toEqual([]);
    pair.heal();
    await pair.join();
    await pair.say('again');
    await arrives(['again']);
  });

  test('of a domain that is forgotten who is out, which it is told when it is allowed again', async () => {
    await pair.join(BOBS_PHONE);
    await until(async () => (await pair.follower.queues.hubsOf(BOBS_PHONE)).length > 0, 'it is in');
    pair.cut();
    pair.isAllowed = false;
    await pair.join();
    await pair.leave(BOB, false);
    await pair.hub.feeds.forget(BETA);
    const out = { audience: GROUP, kind: 'notice', id: 'none', payload: NOTICE } as const;
    await pair.farewell(out, BOBS_PHONE);
    await pair.hub.feeds.forget(BETA);
    expect(await pair.kept()).toEqual([NOTICE]);
    await pair.restartHub();
    pair.isAllowed = true;
    pair.heal();
    await until(async () => (await pair.follower.queues.hubsOf(BOBS_PHONE)).length === 0, 'it is out');
    expect(await pair.got(BOBS_PHONE)).toEqual([NOTICE]);
    expect(await pair.kept()).toEqual([]);
  });

  test('not for longer than a week, but for commits, and who sent it can be told', async () => {
    pair.cut();
    await pair.join();
    await pair.say('old', { id: '7' });
    await pair.join(BOBS_PHONE);
    pair.world.advance(8 * 24 * 3_600_000);
    await pair.say('new', { id: '8' });
    await until(async () => (await pair.hub.feeds.state())[0]?.lastFailure !== undefined, 'it failed');
    await pair.hub.feeds.sweep();
    expect(pair.given).toEqual([{ device: ALICE, conversation: ROOM, group: GROUP, number: 7 }]);
    expect(await pair.kept()).toEqual([COMMIT, COMMIT, 'new']);
    pair.heal();
    await arrives([COMMIT, 'new']);
  });

  test('and the group is told how much did not arrive, the domain too when it is back', async () => {
    pair.tellsDropped = tellUndelivered;
    await pair.hub.writer.run((tx) => pair.hub.queues.subscribe(tx, ALICE, GROUP, 0));
    pair.cut();
    await pair.join();
    for (const id of ['7', '8']) await pair.say('old', { id });
    await pair.say('their own', { id: '1', sender: BOB });
    pair.world.advance(8 * 24 * 3_600_000);
    await until(async () => (await pair.hub.feeds.state())[0]?.lastFailure !== undefined, 'it failed');
    await pair.hub.feeds.sweep();
    const told = await pair.hub.store.db.selectFrom('entries').select('payload').where('kind', '=', 'notice').execute();
    expect(told.map(({ payload }) => parseNotice(payload))).toEqual([
      { conversation: ROOM, change: { type: 'undelivered', domain: BETA, count: 2 } },
    ]);
    pair.heal();
    await arrives([told[0]?.payload ?? '']);
  });

  test('not without a bound', async () => {
    pair.bounds = { messages: 5, length: 1_000, age: Number.MAX_SAFE_INTEGER };
    await pair.restartHub();
    pair.cut();
    await pair.join();
    for (const text of 'abcdefgh') await pair.say(text, { id: String(text.charCodeAt(0)) });
    await until(async () => (await pair.hub.feeds.state())[0]?.lastFailure !== undefined, 'it failed');
    await pair.hub.feeds.sweep();
    expect(await pair.hub.feeds.state()).toMatchObject([{ waiting: 5 }]);
    expect(pair.given.map(({ number }) => String.fromCharCode(number)).join('')).toBe('abcd');
    pair.heal();
    await arrives([...'efgh']);
  });
});

test('where it cannot be written how far a domain is, it is written later', async () => {
  await pair.join();
  await until(async () => (await pair.hub.feeds.state())[0]?.waiting === 0, 'it is there');
  const { db } = pair.hub.store;
  await sql`alter table feeds rename to gone`.execute(db);
  await expect(pair.hub.feeds.flush()).rejects.toThrow();
  await sql`alter table gone rename to feeds`.execute(db);
  await pair.hub.feeds.flush();
  expect(await db.selectFrom('feeds').selectAll().execute()).toEqual([{ domain: BETA, acknowledged: 1, dropped: 0 }]);
  expect(await pair.kept()).toEqual([]);
});

describe('after a start', () => {
  test('goes on where the process before stopped', async () => {
    pair.cut();
    await pair.join();
    await pair.say('one');
    await pair.restartHub();
    expect(await pair.hub.feeds.upTo(BETA)).toBe(2);
    pair.heal();
    await arrives(['one']);
    expect(await pair.follower.taken.reached(ALPHA, 2, 10_000)).toBe(true);
  });

  test('of a follower that was restored, what it lost is sent again as far as it is kept', async () => {
    await pair.hub.writer.run((tx) => pair.hub.queues.subscribe(tx, ALICE, GROUP, 0));
    await pair.hub.writer.run(knowRoom);
    await pair.join();
    await pair.say('one');
    await pair.say('two');
    await arrives(['one', 'two']);
    // As it was before both were taken.
    await pair.follower.store.transaction(async (tx) => {
      await tx.updateTable('feeds_taken').set({ received: 1, recent: '[]' }).execute();
      await tx.deleteFrom('entries').execute();
    });
    await pair.restartFollower();
    const before = pair.statements.length;
    await pair.say('three');
    await arrives(['one', 'two', 'three']);
    // What it knew of the conversation is old too.
    expect(pair.statements.slice(before).map(({ conversation }) => conversation)).toEqual([ROOM]);
  });

  test('of a hub that was restored, its order is another one, and everything in it is new', async () => {
    await pair.join();
    await pair.say('one');
    await arrives(['one']);
    await pair.closeHub();
    await pair.hub.store.db.deleteFrom('properties').where('name', '=', 'queue').execute();
    await pair.openHub(pair.hub.store);
    await pair.say('two');
    await until(async () => (await pair.got()).includes('two'), 'what came since');
    expect(pair.requests.at(-1)?.after).toBe(0);
  });
});
