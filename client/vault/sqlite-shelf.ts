/** Sealed records in one file of Node's own SQLite. */
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { HawserError } from '#signalling/errors.ts';
import type { Shelf, ShelfRange, ShelfRow } from './shelf.ts';

/** "HWSR", so that no other program's database is taken for a vault. */
const APPLICATION = 0x48575352;
const FORMAT = 1;

const COLUMNS = '(name TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL) STRICT';
const INTO = '(name, sealed) VALUES (?, ?) ON CONFLICT DO UPDATE SET sealed = excluded.sealed';
const SET_HEADER = 'INSERT INTO header (one, bytes) VALUES (1, ?) ON CONFLICT DO UPDATE SET bytes = excluded.bytes';

export class SqliteShelf implements Shelf {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(path: string, database: DatabaseSync) {
    this.#path = path;
    this.#database = database;
  }

  /** @throws {HawserError} VAULT_GONE where it is missing and `refuse` was said; VAULT_IN_USE, VAULT_NEWER, VAULT_DAMAGED, VAULT_FAILED */
  static open(path: string, ifMissing: 'create' | 'refuse'): SqliteShelf {
    return coded(() => {
      if (!existsSync(path)) {
        if (ifMissing === 'refuse') throw new HawserError('VAULT_GONE');
        makeFile(path);
      }
      const database = new DatabaseSync(path, { timeout: 0 });
      try {
        prepare(database);
        // By its path: closing another descriptor of the file would drop the lock that SQLite has on it.
        chmodSync(path, 0o600);
        const shelf = new SqliteShelf(path, database);
        if (ifMissing === 'refuse' && shelf.#format() === undefined) throw new HawserError('VAULT_GONE');
        return shelf;
      } catch (error) {
        database.close();
        throw error;
      }
    });
  }

  /** Deletes a file and its journal, whatever is in them. @throws {HawserError} VAULT_IN_USE, VAULT_FAILED */
  static delete(path: string): void {
    coded(() => {
      if (existsSync(path)) refuseIfInUse(path);
      for (const name of [path, `${path}-wal`, `${path}-shm`, `${path}-journal`]) rmSync(name, { force: true });
    });
  }

  /** What unlocks it; undefined for a vault that is to be laid out. */
  header(): Uint8Array<ArrayBuffer> | undefined {
    return coded(() => {
      if (this.#format() === undefined) return undefined;
      const bytes = this.#statement('SELECT bytes FROM header').get()?.bytes;
      if (!(bytes instanceof Uint8Array)) throw new HawserError('VAULT_DAMAGED', 'its keys');
      return bytes;
    });
  }

  /** Lays out an empty vault. */
  lay(header: Uint8Array): void {
    this.#transact(() => {
      this.#database.exec(`
        CREATE TABLE header (one INTEGER PRIMARY KEY CHECK (one = 1), bytes BLOB NOT NULL) STRICT;
        CREATE TABLE records ${COLUMNS};
        PRAGMA application_id = ${APPLICATION};
        PRAGMA user_version = ${FORMAT};
      `);
      this.#statement(SET_HEADER).run(header);
    });
  }

  async get(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return coded(() => {
      const row = this.#statement('SELECT sealed FROM records WHERE name = ?').get(name);
      return row && sealedOf(row);
    });
  }

  async range({ from, below, limit, reverse }: ShelfRange): Promise<readonly ShelfRow[]> {
    const order = reverse ? 'DESC' : 'ASC';
    const sql = `SELECT name, sealed FROM records WHERE name >= ? AND name < ? ORDER BY name ${order} LIMIT ?`;
    return coded(() => {
      const rows = this.#statement(sql).all(from, below, limit);
      return rows.map((row) => ({ name: String(row.name), sealed: sealedOf(row) }));
    });
  }

  async write(changes: ReadonlyMap<string, Uint8Array | undefined>): Promise<void> {
    this.#transact(() => {
      for (const [name, sealed] of changes) {
        if (sealed === undefined) this.#statement('DELETE FROM records WHERE name = ?').run(name);
        else this.#statement(`INSERT INTO records ${INTO}`).run(name, sealed);
      }
    });
  }

  /** Other rows and another header in the place of all that are there: all or none. */
  async replace(header: Uint8Array, rows: AsyncIterable<ShelfRow>): Promise<void> {
    coded(() => this.#database.exec(`BEGIN; CREATE TABLE fresh ${COLUMNS};`));
    try {
      for await (const { name, sealed } of rows)
        coded(() => this.#statement(`INSERT INTO fresh ${INTO}`).run(name, sealed));
      coded(() => {
        this.#statement(SET_HEADER).run(header);
        this.#database.exec('DROP TABLE records; ALTER TABLE fresh RENAME TO records; COMMIT;');
      });
    } catch (error) {
      this.#rollBack();
      throw error;
    }
    // What the old passphrase opens is overwritten in the file (`secure_delete`); this empties the journal of it.
    try {
      this.#database.exec('PRAGMA wal_checkpoint = TRUNCATE');
    } catch {
      // The change is made all the same. Where there is no room for it now, a later write or closing does it.
    }
  }

  async destroy(): Promise<void> {
    try {
      // Overwritten before it is deleted: without the header the rest is noise, also where the disk keeps it. Then the journal is removed
      // while the file is still locked, so that whoever makes a vault of the same name next has one of his own.
      this.#database.exec('DELETE FROM header; PRAGMA wal_checkpoint = TRUNCATE; PRAGMA journal_mode = DELETE;');
    } catch {
      // A full or failing disk does not keep it from being deleted.
    }
    try {
      coded(() => {
        rmSync(this.#path);
        rmSync(`${this.#path}-wal`, { force: true });
      });
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.#statements.clear();
    if (this.#database.isOpen) coded(() => this.#database.close());
  }

  /** Undefined for a file in which nothing was laid out. */
  #format(): number | undefined {
    const application = this.#number('PRAGMA application_id');
    if (application === 0 && this.#number('SELECT count(*) FROM sqlite_schema') === 0) return undefined;
    if (application !== APPLICATION) throw new HawserError('VAULT_DAMAGED', 'the file is not a vault');
    const format = this.#number('PRAGMA user_version');
    if (format > FORMAT) throw new HawserError('VAULT_NEWER');
    return format;
  }

  #number(sql: string): number {
    return Number(Object.values(this.#database.prepare(sql).get() ?? {})[0]);
  }

  #transact(work: () => void): void {
    coded(() => {
      this.#database.exec('BEGIN');
      try {
        work();
        this.#database.exec('COMMIT');
      } catch (error) {
        this.#rollBack();
        throw error;
      }
    });
  }

  /** SQLite has rolled back by itself after some errors, a full disk among them. */
  #rollBack(): void {
    if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** Readable by its owner only, from its first byte on; SQLite gives its journal the same mode. */
function makeFile(path: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
  const entry = openSync(folder, 'r');
  fsyncSync(entry);
  closeSync(entry);
}

function prepare(database: DatabaseSync): void {
  // EXCLUSIVE before the first access: the lock is held until the end, and is gone with a process that is killed
  // (https://sqlite.org/pragma.html#pragma_locking_mode). In WAL mode only FULL syncs at every commit.
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  database.exec('PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;');
  database.exec('BEGIN EXCLUSIVE; COMMIT;');
}

/** By trying to take the lock that a process has which works with it. A file that is no database any more has none. */
function refuseIfInUse(path: string): void {
  try {
    const database = new DatabaseSync(path, { timeout: 0 });
    try {
      database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK;');
    } finally {
      database.close();
    }
  } catch (cause) {
    const { errcode } = cause as { errcode?: number };
    if (errcode !== undefined && codeOf(errcode & 0xff) === 'VAULT_IN_USE') throw cause;
  }
}

function sealedOf({ sealed }: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  if (!(sealed instanceof Uint8Array)) throw new HawserError('VAULT_DAMAGED', 'a record');
  return sealed as Uint8Array<ArrayBuffer>;
}

/** Primary result codes: https://sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** Runs it, and says in our codes what SQLite or the file system said. */
function coded<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof HawserError) throw cause;
    const { errcode, code } = cause as { errcode?: number; code?: string };
    if (typeof errcode === 'number') throw new HawserError(codeOf(errcode & 0xff), `SQLite ${errcode}`, { cause });
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new HawserError('VAULT_FULL', code, { cause });
    throw new HawserError('VAULT_FAILED', code, { cause });
  }
}

function codeOf(result: number) {
  switch (result) {
    case BUSY:
    case LOCKED:
      return 'VAULT_IN_USE';
    case FULL:
      return 'VAULT_FULL';
    case CORRUPT:
    case NOT_A_DATABASE:
      return 'VAULT_DAMAGED';
    default:
      return 'VAULT_FAILED';
  }
}
