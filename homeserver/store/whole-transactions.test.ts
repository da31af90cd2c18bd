import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { afterCommit } from './after-commit.ts';
import { type Db, openStore, type Store } from './store.ts';
import { Writer } from './writer.ts';

let folder: string;
let store: Store;
let writer: Writer;
/** What followed from what was written. */
let told: string[];
/** For the log. */
let troubles: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-full-'));
  store = await openStore(
    { engine: 'sqlite', path: join(folder, 'homeserver.sqlite') },
    { onTrouble: (sentence) => troubles.push(sentence) },
  );
  troubles = [];
  await sql`create table scratch (name text primary key, value text)`.execute(store.db);
  writer = new Writer(store);
  told = [];
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const insert = (tx: Db, name: string, length: number) =>
  sql`insert into scratch values (${name}, ${'x'.repeat(length)})`.execute(tx);
const write = (id: string, length: number) =>
  writer.run(async (tx) => {
    await insert(tx, id, length);
    afterCommit(tx, () => told.push(id));
  });
const outcomes = (all: readonly Promise<unknown>[]) =>
  Promise.allSettled(all).then((some) =>
    some.map((one) => (one.status === 'fulfilled' ? 'written' : codeIn(one.reason))),
  );
const there = async () =>
  (await sql<{ name: string }>`select name from scratch order by name`.execute(store.db)).rows.map(({ name }) => name);
const pages = async (most: number | 'all') => {
  const used = (await sql<{ page_count: number }>`pragma page_count`.execute(store.db)).rows[0]?.page_count ?? 0;
  await sql`pragma max_page_count = ${sql.lit(most === 'all' ? 1_000_000 : used + most)}`.execute(store.db);
};
const FULL = 'HOME_STORE_FULL';
/** Of ours, or of SQLite where it is no trouble of the disk. */
const codeIn = (error: unknown) => {
  const { code, errcode } = error as { readonly code?: string; readonly errcode?: number };
  return errcode ?? code;
};

test('where the disk is full, all that was to be written together is refused, and none of it is written', async () => {
  await pages(4);
  const all = [write('1', 10), write('2', 200_000), write('3', 10), write('4', 10)];
  expect(await outcomes(all)).toEqual([FULL, FULL, FULL, FULL]);
  expect(await there()).toEqual([]);
  expect(told).toEqual([]);
});

test('whoever asked is told that the disk is full and may try again, and the log says which file it is about, once', async () => {
  await pages(4);
  for (const id of ['1', '2']) {
    const failure = await write(id, 200_000).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'HOME_STORE_FULL', status: 507, retry: true });
  }
  expect(troubles).toEqual([expect.stringMatching(/homeserver\.sqlite cannot be written or read: .*full/)]);
});

test('a work that goes on where a statement of it found no room writes nothing either', async () => {
  await pages(4);
  const stubborn = writer.run(async (tx) => {
    await insert(tx, 'one', 200_000).catch(() => undefined);
    await insert(tx, 'two', 10);
  });
  expect(await outcomes([stubborn])).toEqual([FULL]);
  expect(await there()).toEqual([]);
});

test('when there is room again, everything goes on', async () => {
  await pages(4);
  expect(await outcomes([write('1', 200_000)])).toEqual([FULL]);
  await pages('all');
  expect(await outcomes([write('1', 200_000), write('2', 10)])).toEqual(['written', 'written']);
  expect(await there()).toEqual(['1', '2']);
  expect(told).toEqual(['1', '2']);
});

test('one that fails for another reason leaves the others alone', async () => {
  expect(await outcomes([write('1', 10), write('1', 10), write('2', 10)])).toEqual([
    'written',
    1555, // SQLITE_CONSTRAINT_PRIMARYKEY
    'written',
  ]);
  expect(told).toEqual(['1', '2']);
});
