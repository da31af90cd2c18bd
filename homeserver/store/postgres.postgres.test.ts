/** What PostgreSQL brings with it: a server that goes away, connections that break, and people who mistype its address. */

import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ensurePostgres } from '#cli/setup/postgres.ts';
import { Cluster } from '../testing/cluster.ts';
import { type Organisation, organise, PASSWORD } from '../testing/organisation.ts';
import { Person, Refused } from '../testing/person.ts';
import { until, user } from '../testing/world.ts';
import type { PostgresPlace } from './postgres-session.ts';
import { type Db, openStore, type Store } from './store.ts';

const alice = user('@alice@alpha.example');

let cluster: Cluster;
let place: PostgresPlace;
let drop: () => Promise<void>;
let store: Store;
let heard: string[];

beforeAll(async () => {
  cluster = await Cluster.make(await ensurePostgres());
}, 60_000);
afterAll(() => cluster.remove());

beforeEach(async () => {
  const database = await cluster.database();
  drop = database.drop;
  place = { engine: 'postgres', url: database.url };
  heard = [];
  store = await open();
});
afterEach(async () => {
  await store.close();
  await drop();
});

const open = (patienceMs = 1_000) =>
  openStore(place, { onTrouble: (sentence) => heard.push(sentence), patienceMs, lockWaitMs: 500 });
const write = (db: Db, created_at: number) =>
  db
    .insertInto('accounts')
    .values({ user_id: alice, name: 'Alice', password: '', created_at, email: null, kind: 'person' })
    .onConflict((c) => c.column('user_id').doUpdateSet({ created_at }))
    .execute();
const read = async (db: Db) => (await db.selectFrom('accounts').select('created_at').executeTakeFirst())?.created_at;

/** Ends connections of the homeserver as an administrator of the database can. */
async function terminate(which: 'writer' | 'all'): Promise<void> {
  const client = new pg.Client(place.url);
  await client.connect();
  const holders = which === 'writer' ? 'and pid in (select pid from pg_locks where locktype = $1)' : 'and $1 = $1';
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'hawser' ${holders}`,
    ['advisory'],
  );
  await client.end();
}

test('nothing is written but over the connection that holds the lock', async () => {
  const hidden = store.db
    .with('hidden', (db) =>
      db
        .insertInto('accounts')
        .values({ user_id: alice, name: '', password: '', created_at: 3, email: null, kind: 'person' })
        .returning('name'),
    )
    .selectFrom('hidden')
    .select('name');
  await hidden.execute();
  expect(await read(store.db)).toBe(3);
});

test('what waits while the database is restarted for a moment is done when it is back', async () => {
  await store.close();
  store = await open(10_000);
  await write(store.db, 1);
  await terminate('all');
  const increment = store.transaction(async (tx) => void (await write(tx, ((await read(tx)) ?? 0) + 1)));
  const [before] = await Promise.all([read(store.db), increment]);
  expect(before).toBeGreaterThan(0);
  expect(await read(store.db)).toBe(2);
});

test('a connection that breaks in the middle takes its transaction with it, and says so with a code', async () => {
  await write(store.db, 1);
  const broken = store.transaction(async (tx) => {
    await write(tx, 2);
    await terminate('writer');
    await write(tx, 3);
  });
  await expect(broken).rejects.toMatchObject({ code: 'HOME_STORE_UNAVAILABLE', retry: true });
  await until(() => heard.includes('The database is back.'), 'the writer is back');
  expect(heard[0]).toMatch(/connection to the database was lost/);
  expect(await read(store.db)).toBe(1);
  await write(store.db, 4);
  expect(await read(store.db)).toBe(4);
});

test('while the database is away every question is answered with a code, soon; when it is back all is well', async () => {
  await write(store.db, 1);
  await cluster.stop();
  const begin = performance.now();
  const answers = await Promise.allSettled([
    read(store.db),
    write(store.db, 2),
    ...Array.from({ length: 30 }, () => store.transaction(async (tx) => void (await write(tx, 3)))),
  ]);
  // One after the other they would take half a minute.
  expect(performance.now() - begin).toBeLessThan(10_000);
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'HOME_STORE_UNAVAILABLE' } });
  }
  await cluster.start();
  await until(() => heard.includes('The database is back.'), 'the writer is back');
  expect(await read(store.db)).toBe(1);
  await store.transaction(async (tx) => void (await write(tx, 5)));
  expect(await read(store.db)).toBe(5);
});

test('a server that was cut off has its lock again before another one can take it, or stops writing', {
  timeout: 30_000,
}, async () => {
  await terminate('writer');
  await until(() => heard.includes('The database is back.'), 'the writer is back');
  await expect(openStore(place, { lockWaitMs: 200 })).rejects.toThrow(/Another homeserver is running on the database/);

  // Somebody else is quicker.
  const rival = new pg.Client(place.url);
  await rival.connect();
  const waiting = rival.query(
    `select pg_advisory_lock((select (classid::bigint << 32) | objid::bigint from pg_locks where locktype = 'advisory' and granted))`,
  );
  await until(async () => (await waitingForLock()) === 1, 'the rival waits');
  heard = [];
  await terminate('writer');
  await waiting;
  await expect(write(store.db, 9)).rejects.toMatchObject({ code: 'HOME_STORE_UNAVAILABLE' });
  expect(await read(store.db)).toBeUndefined();
  await rival.end();
  await until(() => heard.includes('The database is back.'), 'the writer is back', 15_000);
  await write(store.db, 10);
});

async function waitingForLock(): Promise<number> {
  const client = new pg.Client(place.url);
  await client.connect();
  const { rows } = await client.query(
    "select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted",
  );
  await client.end();
  return rows[0]?.n;
}

describe('at the start', () => {
  test.each([
    [
      'no such database',
      (url: string) => url.replace(/\/test_[^?]*/, '/nothing'),
      /nothing at .*there is no such database/,
    ],
    [
      'no server',
      (url: string) => url.replace(/host=.*/, 'host=/nowhere'),
      /at \/nowhere: it cannot be reached \(ENOENT\)/,
    ],
    [
      'no such host',
      // Longer than a part of a name may be: nobody has to be asked, who would take his time.
      () => `postgresql://hawser@${'d'.repeat(64)}/hawser`,
      /hawser at d{64}: .*name of its host is not known/,
    ],
    [
      'nobody at the port',
      () => 'postgresql://hawser@127.0.0.1:9/hawser',
      /127\.0\.0\.1:9: it cannot be reached \(ECONNREFUSED\)/,
    ],
    ['no such user', (url: string) => url.replace('hawser@', 'stranger@'), /does not let this user in/],
  ])('%s is told in a sentence', async (_what, change, sentence) => {
    await expect(openStore({ engine: 'postgres', url: change(place.url) }, { patienceMs: 200 })).rejects.toThrow(
      sentence,
    );
  });

  test('a password is used and shown to nobody', async () => {
    const refused = openStore(
      { engine: 'postgres', url: 'postgresql://hawser@127.0.0.1:9/hawser', password: 'open sesame' },
      { patienceMs: 200 },
    );
    const error = await refused.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    const told = (each: unknown): string => (each instanceof Error ? `${each.stack} ${told(each.cause)}` : '');
    expect(told(error)).not.toMatch(/open(%20| )sesame/);
  });

  test('a database whose letters are not those of Unicode is refused', async () => {
    const client = new pg.Client(place.url);
    await client.connect();
    await client.query("create database latin template template0 encoding 'LATIN1'");
    await client.end();
    const url = place.url.replace(/\/test_[^?]*/, '/latin');
    await expect(openStore({ engine: 'postgres', url })).rejects.toThrow(
      /has the encoding LATIN1.*createdb --encoding=UTF8/,
    );
  });
});

test('a homeserver whose database goes away says so, and goes on when it is back', { timeout: 60_000 }, async () => {
  const database = await cluster.database();
  await using world = await organise('alpha.example');
  const [alpha] = world.organisations as [Organisation];
  await alpha.stop();
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
  const site = { ...alpha.site, homeserver: { ...alpha.site.homeserver, database: database.url } };
  await alpha.start({ site, log });
  const person = await alpha.person('alice');
  const { conversation } = await person.create('Ropes');
  const health = async () => (await fetch(`${alpha.admin}/health`)).status;
  expect(await health()).toBe(200);

  await cluster.stop();
  const [refusal, sick] = await Promise.all([person.create('More ropes').catch((error: unknown) => error), health()]);
  expect(refusal).toBeInstanceOf(Refused);
  expect(refusal).toMatchObject({ status: 503, code: 'HOME_STORE_UNAVAILABLE', problem: { retry: true } });
  expect(sick).toBe(503);
  expect(person.isListening).toBe(true);

  await cluster.start();
  await until(async () => (await health()) === 200, 'health', 20_000);
  expect((await person.conversations()).map((each) => each.conversation)).toEqual([conversation]);
  const again = await Person.signIn(alpha.url, 'alice', PASSWORD);
  await again.create('Even more ropes');
  again.close();
  expect(logged.join('')).toMatch(/connection to the database was lost/);
  expect(logged.join('')).toMatch(/The database is back/);
  await alpha.stop();
  await database.drop();
});
