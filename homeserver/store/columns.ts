/** Types of columns that the two engines name differently, for migrations. All others (text, integer, bigint) are alike. */
import { type ColumnBuilderCallback, type Kysely, PostgresAdapter } from 'kysely';

/** Bytes: a Uint8Array to whoever reads or writes it. `.addColumn('key', blob(db), (c) => c.notNull())` */
export function blob(db: Kysely<unknown>): 'bytea' | 'blob' {
  return isPostgres(db) ? 'bytea' : 'blob';
}

/**
 * A primary key that the database counts itself, upwards, never giving a number twice: `.addColumn('position', ...counted(db))`.
 * Numbers of transactions that were rolled back may be missing.
 */
export function counted(db: Kysely<unknown>): ['bigint' | 'integer', ColumnBuilderCallback] {
  return isPostgres(db)
    ? ['bigint', (c) => c.primaryKey().generatedByDefaultAsIdentity()]
    : // Only under this very name of the type it is SQLite's own row number (https://sqlite.org/autoinc.html).
      ['integer', (c) => c.primaryKey().autoIncrement()];
}

/** For the few queries that the engines spell differently. */
export function isPostgres(db: Pick<Kysely<unknown>, 'getExecutor'>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}
