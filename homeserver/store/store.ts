/** Opens the database, brings its schema up to date, and hands out transactions. */
import { Kysely, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import { MIGRATIONS } from './migrations.ts';
import { sqliteDialect } from './sqlite.ts';
import type { Tables } from './tables.ts';

/** Either the database or a transaction on it: what a query needs. */
export type Db = Kysely<Tables>;

export interface Store {
  readonly db: Db;
  /** Runs `work` in one transaction: all of it is on disk when the promise resolves, or none. */
  transaction<T>(work: (tx: Transaction<Tables>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * @param path file of the database, or `:memory:`
 * @throws Error where the file cannot be opened, or was written by a newer version than this one
 */
export async function openStore(path: string): Promise<Store> {
  const db = new Kysely<Tables>({ dialect: sqliteDialect(path) });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...MIGRATIONS }) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    await db.destroy();
    throw new Error('The database cannot be opened or brought up to date.', { cause: error });
  }
  return {
    db,
    transaction: (work) => db.transaction().execute(work),
    close: () => db.destroy(),
  };
}
