/** Kysely on Node's own SQLite: the few calls of the driver that Kysely's dialect was written for, and a statement cache. */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type Driver, SqliteAdapter, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';
import { coded } from './faults.ts';
import { OneWriterDriver } from './one-writer.ts';
import { SqlitePool } from './sqlite-pool.ts';
import { WholeTransactions } from './whole-transactions.ts';

/** Connections that read: queries take turns on one of them, because they do not wait; a transaction that reads has the other one. */
const READERS = 2;

/** Every query of the homeserver is one of some dozens of texts, so this is a bound and hardly ever reached. */
const MAX_CACHED_STATEMENTS = 500;

/** How long a writer of another process (a backup, for instance) may hold the file before a query fails, ms. */
const BUSY_TIMEOUT_MS = 5_000;

/** A sentence for the log is told again after this time, ms: a full disk fails hundreds of statements a second. */
const TOLD_AGAIN_MS = 60_000;

/**
 * @param path a file, made where it does not exist, or `:memory:`
 * @param onTrouble the disk is full or fails: a sentence for the log
 */
export function sqliteDialect(path: string, onTrouble: (sentence: string) => void = () => undefined): SqliteDialect {
  return new OneWriterSqliteDialect(path, onTrouble);
}

class OneWriterSqliteDialect extends SqliteDialect {
  readonly #path: string;
  readonly #onTrouble: (sentence: string) => void;

  constructor(path: string, onTrouble: (sentence: string) => void) {
    super({ database: async () => openDatabase(path, onTrouble) });
    this.#path = path;
    this.#onTrouble = onTrouble;
  }

  override createDriver(): Driver {
    const open = () => openDatabase(this.#path, this.#onTrouble);
    const writer = new SqlitePool(1, open);
    // What is in memory belongs to its connection.
    const readers = this.#path === ':memory:' ? writer : new SqlitePool(READERS, () => readingOnly(open()));
    return new OneWriterDriver(readers, writer);
  }

  override createAdapter(): SqliteAdapter {
    return new OneWriterSqliteAdapter();
  }
}

class OneWriterSqliteAdapter extends SqliteAdapter {
  /** SQLite changes tables in transactions as well as rows; Kysely does not count on it. So a migration is whole or not at all. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }

  /** Else Kysely lets all queries wait for a transaction. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** A wall behind what tells a reading query from one that writes. */
function readingOnly(database: SqliteDatabase): SqliteDatabase {
  database.prepare('PRAGMA query_only = ON').run([]);
  return database;
}

function openDatabase(path: string, onTrouble: (sentence: string) => void): SqliteDatabase {
  // Its folder may be one that everybody reads. What SQLite puts beside it has the same mode.
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  // What was accepted must survive a loss of power: in WAL mode only FULL syncs at every commit
  // (https://sqlite.org/pragma.html#pragma_synchronous).
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
  const transactions = new WholeTransactions(database);
  const attempt = attempts(path, onTrouble);
  const cache = new Map<string, SqliteStatement>();
  return {
    close: () => {
      cache.clear();
      database.close();
    },
    prepare: (sql) => {
      const known = cache.get(sql);
      if (known) return known;
      if (cache.size >= MAX_CACHED_STATEMENTS) cache.clear();
      const statement = transactions.guard(
        sql,
        attempt(() => adapt(database.prepare(sql), attempt)),
      );
      cache.set(sql, statement);
      return statement;
    },
  };
}

type Attempt = <T>(execute: () => T) => T;

/** What fails because of the disk has a code that can be answered to whoever asked, and is told of in the log. */
function attempts(path: string, onTrouble: (sentence: string) => void): Attempt {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (execute) => {
    try {
      return execute();
    } catch (error) {
      const failure = coded(error);
      if (failure !== error && performance.now() - toldAt >= TOLD_AGAIN_MS) {
        toldAt = performance.now();
        onTrouble(`${path} cannot be written or read: ${error instanceof Error ? error.message : 'unknown'}.`);
      }
      throw failure;
    }
  };
}

function adapt(statement: StatementSync, attempt: Attempt): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => attempt(() => statement.all(...bind(parameters))),
    run: (parameters) => attempt(() => statement.run(...bind(parameters))),
    iterate: (parameters) => statement.iterate(...bind(parameters)),
  };
}

function bind(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) => {
    if (value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint')
      return value;
    if (value instanceof Uint8Array) return value;
    throw new TypeError(`SQLite cannot hold a ${typeof value}`);
  });
}
