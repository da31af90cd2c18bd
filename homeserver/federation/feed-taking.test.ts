/** What a hub delivers, judged and taken: what is not its to say, what it says twice, and what becomes of it where the disk fails. */
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toBase64Url } from '#signalling/base64.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Statement } from '#signalling/federation.ts';
import type { Feed, FeedEntry } from '#signalling/federation-feed.ts';
import type { ConversationId, DeviceId, GroupId, UserId } from '#signalling/ids.ts';
import type { Entry } from '#signalling/queue.ts';
import { until } from '../testing/world.ts';
import { ALICE, ALPHA, BOB, BOBS_PHONE, COMMIT, FeedPair, GROUP, ROOM } from './testing/feed-pair.ts';

let pair: FeedPair;

beforeEach(async () => {
  pair = await FeedPair.open();
});
afterEach(() => pair[Symbol.asyncDispose]());

const entry = (position: number, payload: string, more: Partial<FeedEntry> = {}): FeedEntry => ({
  ...{ position, conversation: ROOM, group: GROUP, kind: 'message', at: 5, sender: ALICE, id: `${position}`, payload },
  ...more,
});
const joins = (position: number, device = BOB) => entry(position, COMMIT, { kind: 'commit', joined: [device] });
const feed = (after: number, ...entries: FeedEntry[]): Feed => ({ order: 'one', after, statements: [], entries });
const take = (...parts: Parameters<typeof feed>) => pair.follower.taken.take(ALPHA, feed(...parts));

describe('an entry', () => {
  test.each<[string, string, Partial<FeedEntry>]>([
    ['of a group of another domain', 'FED_FOREIGN', { group: 'mimi://gamma.example/g/AAAAAAAAAAAAAAAA' as GroupId }],
    [
      'of a conversation of ours',
      'FED_FOREIGN',
      { conversation: 'mimi://beta.example/r/AAAAAAAAAAAAAAAA' as ConversationId },
    ],
    ['that lets devices of others in', 'FED_FOREIGN', { joined: [ALICE] }],
    ['that puts devices of others out', 'FED_FOREIGN', { left: [BOB, ALICE] }],
    ['without a sender', 'SIG_SCHEMA', { sender: undefined }],
    ['without a number', 'SIG_SCHEMA', { id: '01' }],
    ['with a Welcome to no commit', 'MLS_MALFORMED', { welcome: 'AAAA', joined: [BOB] }],
    ['that is no notice', 'SIG_SCHEMA', { kind: 'notice', payload: 'AAAA' }],
    [
      'with a notice of another conversation',
      'FED_FOREIGN',
      {
        kind: 'notice',
        payload: toBase64Url(
          new TextEncoder().encode(
            JSON.stringify({
              conversation: 'mimi://alpha.example/r/BBBBBBBBBBBBBBBB',
              change: { type: 'title', title: 'Ropes' },
            }),
          ),
        ),
      },
    ],
  ])('%s is left out with %s, and the rest is taken', async (_, code, more) => {
    const given = JSON.parse(JSON.stringify(entry(3, 'bad', more))) as FeedEntry;
    expect(await take(0, joins(1), entry(2, 'one'), given, entry(4, 'two'))).toEqual({ received: 4 });
    expect(await pair.got()).toEqual(['one', 'two']);
    expect(pair.dropped).toEqual([code]);
  });

  test('of a group that its conversation does not have, or of a conversation that is not known, is left out', async () => {
    const { db } = pair.follower.store;
    await db.updateTable('conversations').set({ group_id: GROUP }).execute();
    const group = 'mimi://alpha.example/g/BBBBBBBBBBBBBBBB' as GroupId;
    const conversation = 'mimi://alpha.example/r/BBBBBBBBBBBBBBBB' as ConversationId;
    const joined: Partial<FeedEntry> = { kind: 'commit', joined: [BOB] };
    await take(
      0,
      joins(1),
      entry(2, COMMIT, { ...joined, group }),
      entry(3, COMMIT, { ...joined, conversation, group }),
    );
    expect(pair.dropped).toEqual(['FED_FOREIGN', 'FED_FOREIGN']);
    expect(await pair.follower.queues.hubsOf(BOB)).toEqual([ALPHA]);
    // Of one that is over, what is on its way is taken.
    await db.updateTable('conversations').set({ group_id: null }).execute();
    await take(3, entry(4, 'the last'));
    expect(await pair.got()).toEqual(['the last']);
  });

  test('of a conversation that this domain has parted from is left out', async () => {
    const row = { conversation_id: ROOM, user_id: 'mimi://beta.example/u/bob' as UserId };
    await pair.follower.store.db.insertInto('parted_people').values(row).execute();
    await take(0, joins(1), entry(2, 'one'));
    expect(await pair.got()).toEqual([]);
    expect(pair.dropped).toEqual(['FED_FOREIGN', 'FED_FOREIGN']);
  });

  test('that nobody is to be woken for wakes nobody', async () => {
    await take(0, joins(1), entry(2, 'receipt', { quiet: true }));
    expect(pair.loud).toBe(0);
    await take(2, entry(3, 'words'));
    expect([pair.loud, await pair.got()]).toEqual([1, ['receipt', 'words']]);
  });

  test('out of its order is left out', async () => {
    expect(await take(0, joins(1), entry(5, 'one'), entry(3, 'back'), entry(6, 'two'))).toEqual({ received: 6 });
    expect(await pair.got()).toEqual(['one', 'two']);
    expect(pair.dropped).toEqual(['SIG_SCHEMA']);
  });

  test('of a time to come is of now', async () => {
    await take(0, joins(1), entry(2, 'one', { at: pair.world.now() + 3_600_000 }), entry(3, 'two'));
    expect((await pair.entries()).map(({ at }) => at)).toEqual([pair.world.now(), 5]);
  });

  test('that lets in a device which was removed meanwhile is taken for the others', async () => {
    const gone = 'mimi://beta.example/u/bob/d/gone' as DeviceId;
    await take(0, entry(1, COMMIT, { kind: 'commit', joined: [BOB, gone] }), entry(2, 'one'));
    expect(await pair.got()).toEqual(['one']);
    expect(await pair.follower.queues.devices()).not.toContain(gone);
    expect(pair.dropped).toEqual([]);
  });

  test('of a group that nobody here reads takes no room', async () => {
    expect(await take(0, entry(1, 'one'), entry(2, 'two'))).toEqual({ received: 2 });
    expect(await pair.follower.store.db.selectFrom('entries').selectAll().execute()).toEqual([]);
  });

  test('goes at once to whoever is connected, also behind the one by which a device joined', async () => {
    const live: Entry[] = [];
    await pair.follower.queues.connect(BOB, 0, { deliver: (entries) => void live.push(...entries) });
    await until(async () => {
      await take(0, joins(1), entry(2, 'one'), entry(3, 'two', { left: [BOB] }), entry(4, 'three'));
      return live.length > 0;
    }, 'it arrives');
    expect(live.map(({ payload }) => payload)).toEqual(['one', 'two']);
  });
});

describe('a device of somebody who is no member', () => {
  const EVE = 'mimi://beta.example/u/eve/d/laptop' as DeviceId;
  const eve = 'mimi://beta.example/u/eve' as UserId;
  const both = (position: number) => entry(position, COMMIT, { kind: 'commit', joined: [BOB, EVE] });

  beforeEach(() => pair.follower.writer.run((tx) => pair.follower.queues.create(tx, EVE)));

  test('does not come in, and hears nothing; the rest is taken', async () => {
    expect(await take(0, both(1), entry(2, 'one'))).toEqual({ received: 2 });
    expect([(await pair.got()).at(-1), await pair.got(EVE)]).toEqual(['one', []]);
    expect(pair.dropped).toEqual(['MLS_NOT_ADMITTED']);
    expect(await pair.follower.queues.hubsOf(EVE)).toEqual([]);
  });

  test('comes in where she is out by what follows, though that was heard of before', async () => {
    const out = entry(3, COMMIT, { kind: 'commit', left: [EVE] });
    await take(0, both(1), entry(2, 'one'), out, entry(4, 'two'));
    expect(await pair.got(EVE)).toEqual(['one', COMMIT]);
    expect(pair.dropped).toEqual([]);
  });

  test('comes in where the statement that took her out overtook the feed, and not for ever', async () => {
    pair.follower.taken.noteGone(ROOM, [eve]);
    await take(0, joins(1, EVE), entry(2, 'one'));
    await take(2, entry(3, COMMIT, { kind: 'commit', left: [EVE] }));
    expect(await pair.got(EVE)).toEqual(['one', COMMIT]);
    pair.world.advance(11 * 60_000);
    await take(3, joins(4, EVE), entry(5, 'two'));
    expect(await pair.got(EVE)).toEqual(['one', COMMIT]);
    expect(pair.dropped).toEqual(['MLS_NOT_ADMITTED']);
  });

  test('comes in by a statement of the same request', async () => {
    pair.accept = async (statement) => {
      const row = { conversation_id: ROOM, user_id: eve, name: 'Eve', role: 'member' as const, position: 1 };
      await pair.follower.store.db.insertInto('members').values(row).execute();
      return statement;
    };
    const statements = [{ conversation: ROOM, seq: 2, title: 'Ropes', members: [] }];
    await pair.follower.taken.take(ALPHA, { ...feed(0, joins(1, EVE), entry(2, 'one')), statements });
    expect([await pair.got(EVE), pair.dropped]).toEqual([['one'], []]);
  });
});

describe('a device that joins again', () => {
  test('in place of itself gets what was for it before, and what follows, once', async () => {
    await take(
      ...([0, joins(1), entry(2, 'one')] as const),
      entry(3, COMMIT, { kind: 'commit', joined: [BOB], left: [BOB], sender: BOB }),
      entry(4, 'two'),
    );
    expect(await pair.got()).toEqual(['one', COMMIT, 'two']);
  });

  test('and is told of twice, by a hub that was restored, keeps what waits for it', async () => {
    await take(0, joins(1), entry(2, 'one'));
    const { received } = await pair.follower.taken.take(ALPHA, { ...feed(1), order: 'two' });
    expect(received).toBe(0);
    await pair.follower.taken.take(ALPHA, { ...feed(0, joins(1), entry(2, 'other')), order: 'two' });
    expect(await pair.got()).toEqual(['one', COMMIT, 'other']);
  });
});

describe('a request', () => {
  test('that comes twice, late, or with more than before is taken once', async () => {
    const first = [joins(1), entry(2, 'one')] as const;
    await take(0, ...first, entry(3, 'two'));
    expect(await take(0, ...first)).toEqual({ received: 3 });
    expect(await take(2, entry(3, 'two'), entry(4, 'three'))).toEqual({ received: 4 });
    expect(await take(0, ...first, entry(3, 'two'))).toEqual({ received: 4 });
    expect(await pair.got()).toEqual(['one', 'two', 'three']);
    expect(pair.equivocated).toBe(0);
  });

  test('that begins behind what is here is not taken: something is missing', async () => {
    await take(0, joins(1), entry(2, 'one'));
    expect(await take(5, entry(6, 'six'))).toEqual({ received: 2 });
    expect(await pair.got()).toEqual(['one']);
  });

  test('of a former order that comes late changes nothing of the new one', async () => {
    await take(0, joins(1), entry(2, 'one'));
    await pair.follower.taken.take(ALPHA, { ...feed(0, entry(1, 'two')), order: 'two' });
    expect(await take(0, joins(1), entry(2, 'one'))).toEqual({ received: 2 });
    expect(await pair.follower.taken.take(ALPHA, { ...feed(1, entry(2, 'three')), order: 'two' })).toEqual({
      received: 2,
    });
    expect(await pair.got()).toEqual(['one', 'two', 'three']);
  });

  test('of ever new orders does not fill the database', async () => {
    for (let i = 0; i < 30; i += 1) {
      pair.world.advance(1);
      await pair.follower.taken.take(ALPHA, { ...feed(0, entry(1, 'one')), order: `order ${i}` });
    }
    const rows = await pair.follower.store.db.selectFrom('feeds_taken').select('hub_order').execute();
    expect(rows.length).toBeLessThanOrEqual(9);
    expect(rows.map(({ hub_order }) => hub_order)).toContain('order 29');
  });

  test('that says something else under a position is told of, and has no effect', async () => {
    await take(0, joins(1), entry(2, 'pay one'));
    expect(await take(1, entry(2, 'pay two'), entry(3, 'three'))).toEqual({ received: 3 });
    expect(pair.equivocated).toBe(1);
    expect(await take(0, joins(1, BOBS_PHONE))).toEqual({ received: 3 });
    expect(await take(2, entry(3, 'three'), entry(3, 'four'))).toEqual({ received: 3 });
    expect(pair.equivocated).toBe(2);
    expect(await pair.got()).toEqual(['pay one', 'three']);
    expect(await pair.got(BOBS_PHONE)).toEqual([]);
  });

  test('has its statements taken first; one that is not the hub’s to make holds nothing', async () => {
    const heard: string[] = [];
    pair.accept = async (statement) => {
      if (statement.seq === 1) throw new HawserError('FED_FOREIGN');
      heard.push(`${statement.seq}, ${(await pair.got()).length} entries`);
      return statement;
    };
    const statement = (seq: number): Statement => ({ conversation: ROOM, seq, title: 'Ropes', members: [] });
    await pair.follower.taken.take(ALPHA, {
      ...feed(0, joins(1), entry(2, 'one')),
      statements: [statement(1), statement(2)],
    });
    expect(heard).toEqual(['2, 0 entries']);
    expect(pair.dropped).toEqual(['FED_FOREIGN']);
  });

  test('whose statement cannot be written is refused as a whole', async () => {
    pair.accept = () => Promise.reject(new HawserError('HOME_STORE_UNAVAILABLE'));
    const statements = [{ conversation: ROOM, seq: 1, title: 'Ropes', members: [] }];
    const taking = pair.follower.taken.take(ALPHA, { ...feed(0, joins(1), entry(2, 'one')), statements });
    await expect(taking).rejects.toMatchObject({ code: 'HOME_STORE_UNAVAILABLE' });
    expect(await pair.got()).toEqual([]);
  });

  test('that the disk does not take leaves nothing behind, and is taken when it is sent again', async () => {
    const { db } = pair.follower.store;
    // Whatever fails, fails last.
    await sql`alter table feeds_taken rename to gone`.execute(db);
    await expect(take(0, joins(1), entry(2, 'one'))).rejects.toThrow();
    await sql`alter table gone rename to feeds_taken`.execute(db);
    expect(await pair.got()).toEqual([]);
    expect(await take(0, joins(1), entry(2, 'one'))).toEqual({ received: 2 });
    expect(await pair.got()).toEqual(['one']);
  });
});

describe('a message of a device of ours', () => {
  test('is told of with its place, in the transaction, each once', async () => {
    await take(0, joins(1), entry(2, 'hers'), entry(3, 'his', { sender: BOB, id: '41' }), entry(4, 'more'));
    await take(0, joins(1), entry(2, 'hers'), entry(3, 'his', { sender: BOB, id: '41' }));
    const [first, last] = await pair.entries();
    expect(pair.own).toEqual([
      {
        ...{ device: BOB, conversation: ROOM, group: GROUP, number: 41, payload: 'his', at: 5 },
        position: expect.any(Number),
      },
    ]);
    const position = pair.own[0]?.position ?? 0;
    expect(position).toBeGreaterThan(first?.position ?? 0);
    expect(position).toBeLessThan(last?.position ?? 0);
  });

  test('lets something be put right behind it', async () => {
    pair.ownMessagesArrived = async (tx, messages) => {
      const payload = messages.map(({ number }) => number).join();
      await pair.follower.queues.append(tx, { audience: BOB, kind: 'overflow', payload, at: 1 });
    };
    const his = (position: number) => entry(position, 'his', { sender: BOB, id: `${position}` });
    await take(0, joins(1), his(2), entry(3, 'hers'), his(4), entry(5, 'more'));
    expect(await pair.got()).toEqual(['2', 'hers', '4', 'more']);
  });

  test('that cannot be settled lets nothing be taken', async () => {
    pair.ownMessagesArrived = () => Promise.reject(new Error('a fault'));
    await expect(take(0, joins(1), entry(2, 'his', { sender: BOB }))).rejects.toThrow('a fault');
    expect(await pair.follower.store.db.selectFrom('feeds_taken').selectAll().execute()).toEqual([]);
  });
});

describe('whoever waits for the feed', () => {
  test('is told when it is there, and when it takes too long', async () => {
    const reached = pair.follower.taken.reached(ALPHA, 3, 60_000);
    expect(await pair.follower.taken.reached(ALPHA, 3, 1)).toBe(false);
    await take(0, joins(1), entry(2, 'one'));
    await take(2, entry(3, 'two'));
    expect(await reached).toBe(true);
    await pair.restartFollower();
    expect(await pair.follower.taken.reached(ALPHA, 3, 60_000)).toBe(true);
    const later = pair.follower.taken.reached(ALPHA, 9, 60_000);
    await pair.follower.taken.forget(ALPHA);
    expect(await later).toBe(false);
    expect(await take(0, entry(3, 'again'))).toEqual({ received: 3 });
  });
});
