/**
 * The state of a database at one moment as a file of SQLite, while a server goes on writing. From PostgreSQL the rows are read over a
 * connection like any other, in one snapshot: so no program of PostgreSQL has to be there, and in the right version, and one
 * form of backup can be put back on either engine.
 */
import { open } from 'node:fs/promises';
import { backup, DatabaseSync } from 'node:sqlite';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { placeInWords } from '#site/database.ts';
import { startFault } from '../store/faults.ts';
import { migrate, VERSIONS, versionOf } from '../store/migrate.ts';
import type { Place } from '../store/place.ts';
import { clientConfig, type PostgresPlace } from '../store/postgres-session.ts';
import { sqliteDialect } from '../store/sqlite.ts';
import { BackupError } from './fault.ts';
import { type AnyDb, type AnyTables, copyRows, countRows, tablesOf } from './rows.ts';

/** Told how much of how much is done, in whatever unit. */
export type OnProgress = (done: number, total: number) => void;

/** Pages of the database that are copied between two reports. */
const PAGES = 2_000;

/**
 * @param target a file, which must not exist yet
 * @returns the version of the schema
 * @throws BackupError where there is no database or a newer version wrote it; StoreError where it cannot be reached
 */
export async function saveDatabase(place: Place, target: string, onProgress: OnProgress): Promise<string> {
  // Made by us, so that nobody else may read it; SQLite keeps the mode.
  await (await open(target, 'wx', 0o600)).close();
  return place.engine === 'sqlite'
    ? saveSqlite(place.path, target, onProgress)
    : savePostgres(place, target, onProgress);
}

async function saveSqlite(path: string, target: string, onProgress: OnProgress): Promise<string> {
  using source = openSource(path);
  // While this transaction reads, the copy sees one state and is not begun anew with each change of another process.
  source.exec('BEGIN');
  const version = known(versionIn(source), path);
  const progress = ({ totalPages, remainingPages }: { totalPages: number; remainingPages: number }) =>
    onProgress(totalPages - remainingPages, totalPages);
  await backup(source, target, { rate: PAGES, progress });
  source.exec('ROLLBACK');
  return version;
}

function openSource(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  } catch (error) {
    throw new BackupError(`There is no database ${path} that can be read. Look at \`data\` in the configuration.`, {
      cause: error,
    });
  }
}

function versionIn(database: DatabaseSync): string | undefined {
  const has = database.prepare("select 1 from sqlite_master where name = 'kysely_migration'").get();
  const row = has && database.prepare('select name from kysely_migration order by name desc limit 1').get();
  return typeof row?.name === 'string' ? row.name : undefined;
}

async function savePostgres(place: PostgresPlace, target: string, onProgress: OnProgress): Promise<string> {
  await using source = openReader(place);
  await using copy = new Kysely<AnyTables>({ dialect: sqliteDialect(target) });
  const where = placeInWords(place.url);
  return await source
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (from) => {
      const version = known(await versionOf(from), where);
      await migrate(copy, version);
      const tables = await tablesOf(copy);
      const total = await countRows(from, tables);
      let done = 0;
      await copy.transaction().execute(async (to) => {
        await sql`pragma defer_foreign_keys = on`.execute(to);
        await copyRows(from, to, tables, (count) => {
          done += count;
          onProgress(done, total);
        });
      });
      return version;
    })
    .catch((error: unknown) => {
      throw error instanceof BackupError ? error : startFault(error, where);
    });
}

/** Without the lock, and without a schema of its own: the server goes on. */
function openReader(place: PostgresPlace): AnyDb & AsyncDisposable {
  const pool = new pg.Pool({ ...clientConfig(place), max: 1, options: '-c default_transaction_read_only=on' });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return new Kysely<AnyTables>({ dialect: new PostgresDialect({ pool }) });
}

/** @throws BackupError */
function known(version: string | undefined, where: string): string {
  if (version === undefined) throw new BackupError(`The database ${where} is empty: no homeserver has used it yet.`);
  if (!VERSIONS.includes(version)) {
    throw new BackupError(`A newer version of Hawser wrote the database ${where}. Save it with that version.`);
  }
  return version;
}
