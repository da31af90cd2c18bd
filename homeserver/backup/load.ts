/** The database of a backup: brought up to this version, looked at, and carried over into PostgreSQL. */
import { Kysely, sql } from 'kysely';
import { migrate } from '../store/migrate.ts';
import { sqliteDialect } from '../store/sqlite.ts';
import type { Db, Store } from '../store/store.ts';
import { BackupError } from './fault.ts';
import { type AnyDb, type AnyTables, copyRows, countRows, tablesOf } from './rows.ts';
import type { OnProgress } from './snapshot.ts';

/**
 * @param path of the unpacked file of SQLite
 * @throws BackupError where it is damaged in itself or cannot be brought up to date
 */
export async function openSaved(path: string): Promise<AnyDb> {
  const db = new Kysely<AnyTables>({ dialect: sqliteDialect(path) });
  try {
    await migrate(db);
    const { rows: faults } = await sql<Record<string, unknown>>`pragma quick_check`.execute(db);
    const { rows: loose } = await sql`pragma foreign_key_check`.execute(db);
    if (loose.length === 0 && faults.length === 1 && faults[0]?.quick_check === 'ok') return db;
    throw new BackupError('The database in the backup is damaged. Take another one.');
  } catch (error) {
    await db.destroy();
    if (error instanceof BackupError) throw error;
    throw new BackupError('The database in the backup cannot be opened or brought up to date.', { cause: error });
  }
}

/**
 * Positions that devices got after the backup was made are given out once more, to other entries: under the name of another order
 * no device takes them for what it has.
 */
export async function forgetOrder(db: AnyDb): Promise<void> {
  await sql`delete from properties where name = 'queue'`.execute(db);
}

export async function holdsRows(store: Store): Promise<boolean> {
  const db = anyDb(store.db);
  return (await countRows(db, await tablesOf(db))) > 0;
}

/**
 * Takes out all rows that are there, and brings those of a backup in.
 * @param tx on PostgreSQL, of the newest schema
 */
export async function refill(tx: Db, saved: AnyDb, onProgress: OnProgress): Promise<void> {
  const to = anyDb(tx);
  const tables = await tablesOf(saved);
  const total = await countRows(saved, tables);
  const foreignKeys = await foreignKeysOf(to);
  // Tables may refer to each other in any way, so that they are looked at when all rows are there.
  for (const { table, name } of foreignKeys) {
    await sql`alter table ${sql.table(table)} alter constraint ${sql.id(name)} deferrable initially deferred`.execute(
      to,
    );
  }
  await sql`truncate ${sql.join(tables.map((table) => sql.table(table.name)))}`.execute(to);
  let done = 0;
  await copyRows(saved, to, tables, (count) => {
    done += count;
    onProgress(done, total);
  });
  await sql`set constraints all immediate`.execute(to);
  for (const { table, name } of foreignKeys) {
    await sql`alter table ${sql.table(table)} alter constraint ${sql.id(name)} not deferrable`.execute(to);
  }
}

async function foreignKeysOf(db: AnyDb): Promise<{ table: string; name: string }[]> {
  const { rows } = await sql<{ table: string; name: string }>`
    select pg_class.relname as "table", conname as name
    from pg_constraint join pg_class on pg_class.oid = conrelid
    where contype = 'f' and connamespace = current_schema()::regnamespace
    order by 1, 2`.execute(db);
  return rows;
}

/** The same database as one whose tables nothing is known of. */
function anyDb(db: Db): AnyDb {
  return db as unknown as AnyDb;
}
