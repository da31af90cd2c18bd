/** Opens the database, brings its schema up to date, and hands out transactions. */
import { Kysely, sql, type Transaction } from 'kysely';
import { HawserError } from '#signalling/errors.ts';
import { placeInWords } from '#site/database.ts';
import { collectHooks } from './after-commit.ts';
import { StoreError, startFault } from './faults.ts';
import { migrate } from './migrate.ts';
import type { Place } from './place.ts';
import type { PostgresPlace } from './postgres-session.ts';
import { lockForThisProcess } from './process-lock.ts';
import { sqliteDialect } from './sqlite.ts';
import type { Tables } from './tables.ts';

/** Either the database or a transaction on it: what a query needs. */
export type Db = Kysely<Tables>;

export interface Store {
  readonly engine: Place['engine'];
  /** Queries may go at the same time as others; changes one after the other, on both engines. */
  readonly db: Db;
  /**
   * Runs `work` in one transaction: all of it is on disk when the promise resolves, or none. Transactions go one after the
   * other, so `work` waits for nothing but its own queries, and asks `tx` alone; hooks of
   * `afterCommit` run in the same order.
   * @throws HawserError HOME_STORE_UNAVAILABLE: the database is away, HOME_STORE_FULL: its disk has no room. Nothing was changed,
   * unless it went away during the last step of all, when nobody can know
   */
  transaction<T>(work: (tx: Transaction<Tables>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface StoreOptions {
  /** The database went away or is back, or its disk is full: a sentence for the log. */
  readonly onTrouble?: (sentence: string) => void;
  /** How long queries wait for a database that is away, ms; 5 s when left out. */
  readonly patienceMs?: number;
  /** How long another server, which may be just ending, can keep the database, ms; 5 s when left out. */
  readonly lockWaitMs?: number;
  /** A single statement may take as long as it likes. */
  readonly isPatient?: boolean;
}

/** @throws StoreError where the database cannot be opened, another server has it, or a newer version wrote it */
export async function openStore(place: Place, options: StoreOptions = {}): Promise<Store> {
  return place.engine === 'sqlite' ? openSqlite(place.path, options.onTrouble) : openPostgres(place, options);
}

async function openSqlite(path: string, onTrouble: StoreOptions['onTrouble']): Promise<Store> {
  const lock = path === ':memory:' ? undefined : lockForThisProcess(path);
  const db = new Kysely<Tables>({ dialect: sqliteDialect(path, onTrouble) });
  const close = async () => {
    await db.destroy();
    lock?.[Symbol.dispose]();
  };
  try {
    await migrate(db);
  } catch (error) {
    await close();
    if (error instanceof StoreError) throw error;
    throw new StoreError('The database cannot be opened or brought up to date.', { cause: error });
  }
  return { engine: 'sqlite', db, transaction: oneAtATime(db), close };
}

async function openPostgres(place: PostgresPlace, options: StoreOptions) {
  const { onTrouble = () => undefined, patienceMs, lockWaitMs, isPatient = false } = options;
  // Only whoever uses PostgreSQL holds its driver in memory.
  const { OneWriterDialect } = await import('./postgres.ts');
  const dialect = new OneWriterDialect({ place, onTrouble, patienceMs, lockWaitMs });
  const db = new Kysely<Tables>({ dialect });
  try {
    dialect.writer.isPatient = true;
    await checkServer(db);
    await migrate(db);
    dialect.writer.isPatient = isPatient;
  } catch (error) {
    await db.destroy();
    const cause = error instanceof HawserError ? error.cause : error;
    throw startFault(cause, placeInWords(place.url));
  }
  return {
    engine: 'postgres' as const,
    db,
    transaction: oneAtATime(db),
    close: () => db.destroy(),
  };
}

/** Transactions one after the other, as the engine orders them, and what follows from each in the same order. */
function oneAtATime(db: Db): Store['transaction'] {
  let last: Promise<unknown> = Promise.resolve();
  return async (work) => {
    const { promise: done, resolve } = Promise.withResolvers<void>();
    let [before, hooks]: [Promise<unknown>, readonly (() => void)[]] = [last, []];
    try {
      const result = await db.transaction().execute((tx) => {
        hooks = collectHooks(tx);
        [before, last] = [last, done];
        return work(tx);
      });
      await before;
      for (const hook of hooks) hook();
      return result;
    } finally {
      resolve();
    }
  };
}

const OLDEST_POSTGRES = 12;

/** @throws StoreError */
async function checkServer(db: Db): Promise<void> {
  const { rows } = await sql<{ encoding: string; version: number }>`
    select current_setting('server_encoding') as encoding, current_setting('server_version_num')::int as version
  `.execute(db);
  const { encoding = '', version = 0 } = rows[0] ?? {};
  const major = Math.floor(version / 10_000);
  if (major < OLDEST_POSTGRES) {
    throw new StoreError(`PostgreSQL ${major} is too old. Install version ${OLDEST_POSTGRES} or newer.`);
  }
  if (encoding !== 'UTF8') {
    throw new StoreError(`The database has the encoding ${encoding}. Make it anew with createdb --encoding=UTF8.`);
  }
}
