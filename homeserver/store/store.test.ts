/** What holds on either engine. */
import { stat } from 'node:fs/promises';
import { type Kysely, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { UserId } from '#signalling/ids.ts';
import { type TestPlace, testPlace, user } from '../testing/world.ts';
import { blob, counted } from './columns.ts';
import { atOneMoment } from './snapshot.ts';
import { type Db, openStore, type Store } from './store.ts';

const alice = user('@alice@alpha.example');

let at: TestPlace;
let store: Store;

beforeEach(async () => {
  at = await testPlace('none');
  store = await openStore(at.place);
});
afterEach(async () => {
  await store.close();
  await at[Symbol.asyncDispose]();
});

const write = (db: Db, user_id: UserId, created_at: number, name = 'Somebody') =>
  db
    .insertInto('accounts')
    .values({ user_id, name, password: '', created_at, email: null, kind: 'person' })
    .onConflict((c) => c.column('user_id').doUpdateSet({ created_at }))
    .execute();
const read = async (db: Db, who: UserId) =>
  (await db.selectFrom('accounts').select('created_at').where('user_id', '=', who).executeTakeFirst())?.created_at;

describe('transactions', () => {
  test('go one after the other, so that what one read is still so when it writes', async () => {
    await write(store.db, alice, 0);
    const increment = () =>
      store.transaction(async (tx) => {
        const before = (await read(tx, alice)) ?? Number.NaN;
        await new Promise((resolve) => setImmediate(resolve));
        await write(tx, alice, before + 1);
      });
    await Promise.all(Array.from({ length: 100 }, increment));
    expect(await read(store.db, alice)).toBe(100);
  });

  test('keep their order, and single changes keep it with them', async () => {
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        if (i % 2 === 0) await store.transaction(async (tx) => void (await write(tx, alice, i)));
        else await write(store.db, alice, i);
        order.push(i);
      }),
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(await read(store.db, alice)).toBe(19);
  });

  test('that throw leave nothing, and what they threw is heard', async () => {
    const failing = store.transaction(async (tx) => {
      await write(tx, alice, 1);
      throw new RangeError('no');
    });
    await expect(failing).rejects.toThrow(new RangeError('no'));
    expect(await read(store.db, alice)).toBeUndefined();
    await store.transaction(async (tx) => void (await write(tx, alice, 2)));
    expect(await read(store.db, alice)).toBe(2);
  });

  test('are seen from outside when they are done, and whoever reads at one moment sees all of one or nothing', async () => {
    const bob = user('@bob@alpha.example');
    const both = (value: number) =>
      store.transaction(async (tx) => {
        await write(tx, alice, value);
        await write(tx, bob, value);
      });
    await both(0);
    let isDone = false;
    const writing = (async () => {
      for (let i = 1; i <= 50; i++) await both(i);
      isDone = true;
    })();
    let looks = 0;
    while (!isDone) {
      const [one, other] = await atOneMoment(store.db, async (db) => [await read(db, alice), await read(db, bob)]);
      expect(one).toBe(other);
      looks += 1;
    }
    await writing;
    expect(looks).toBeGreaterThan(1);
    expect(await read(store.db, bob)).toBe(50);
  });
});

test('reads go on while somebody writes, and see what is committed', async () => {
  await write(store.db, alice, 1);
  await store.transaction(async (tx) => {
    await write(tx, alice, 2);
    expect(await read(tx, alice)).toBe(2);
    const looks = Array.from({ length: 10 }, () => atOneMoment(store.db, (moment) => read(moment, alice)));
    expect(await Promise.all([read(store.db, alice), ...looks])).toEqual(Array.from({ length: 11 }, () => 1));
  });
  expect(await read(store.db, alice)).toBe(2);
});

test('who reads at one moment cannot write', async () => {
  await expect(atOneMoment(store.db, (moment) => write(moment, alice, 1))).rejects.toThrow();
  expect(await read(store.db, alice)).toBe(undefined);
});

test('what is unique is so however many come at once', async () => {
  const insert = () =>
    store.db
      .insertInto('accounts')
      .values({ user_id: alice, name: 'Alice', password: '', created_at: 1, email: null, kind: 'person' })
      .onConflict((c) => c.doNothing())
      .executeTakeFirstOrThrow();
  const results = await Promise.all(Array.from({ length: 20 }, insert));
  expect(results.filter(({ numInsertedOrUpdatedRows }) => numInsertedOrUpdatedRows === 1n)).toHaveLength(1);
});

test('numbers, texts and bytes come back as they were', async () => {
  await write(store.db, alice, Number.MAX_SAFE_INTEGER, 'Zoë 🚢 "\'\\');
  const row = await store.db.selectFrom('accounts').selectAll().executeTakeFirstOrThrow();
  expect(row).toMatchObject({ name: 'Zoë 🚢 "\'\\', created_at: Number.MAX_SAFE_INTEGER });
  const { n, sum } = await store.db
    .selectFrom('accounts')
    .select((e) => [e.fn.countAll<number>().as('n'), e.fn.sum<number>('created_at').as('sum')])
    .executeTakeFirstOrThrow();
  expect([n, sum]).toEqual([1, Number.MAX_SAFE_INTEGER]);

  const db = store.db as unknown as Kysely<{ things: { id?: number; bytes: Uint8Array | null } }>;
  await db.schema
    .createTable('things')
    .addColumn('id', ...counted(db as unknown as Kysely<unknown>))
    .addColumn('bytes', blob(db as unknown as Kysely<unknown>))
    .execute();
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  await db
    .insertInto('things')
    .values([{ bytes: all }, { bytes: new Uint8Array() }, { bytes: null }])
    .execute();
  await db.deleteFrom('things').where('id', '=', 3).execute();
  await db
    .insertInto('things')
    .values({ bytes: all.subarray(200) })
    .execute();
  const things = await db.selectFrom('things').selectAll().orderBy('id').execute();
  expect(things).toEqual([
    { id: 1, bytes: all },
    { id: 2, bytes: new Uint8Array() },
    { id: 4, bytes: all.slice(200) },
  ]);
  expect(things[0]?.bytes?.constructor).toBe(Uint8Array);
});

test('a second server is told that the first one has the database, and gets it when that ends', {
  timeout: 30_000,
}, async () => {
  await write(store.db, alice, 7);
  await expect(openStore(at.place, { lockWaitMs: 200 })).rejects.toThrow(
    /homeserver is running on .*Stop that one first/,
  );
  expect(await read(store.db, alice)).toBe(7);
  await store.close();
  store = await openStore(at.place);
  expect(await read(store.db, alice)).toBe(7);
});

test('a file of SQLite, and what stands beside it, is readable by its owner only', async () => {
  const { place } = at;
  if (place.engine !== 'sqlite') return;
  await write(store.db, alice, 7);
  for (const path of [place.path, `${place.path}-wal`]) expect((await stat(path)).mode & 0o777, path).toBe(0o600);
});

test('a database of a newer version is left alone, and the sentence says so', async () => {
  await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '2030-01-01T00:00:00.000Z')`.execute(
    store.db,
  );
  await store.close();
  await expect(openStore(at.place)).rejects.toThrow(/written by a newer version of Hawser.*9999-later/);
  // For the end of this test
  store = { ...store, close: async () => undefined };
});
