/** Opens the database, brings its schema up to date, and hands out transactions. */
import { Kysely, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import { collectHooks } from './after-commit.ts';
import { MIGRATIONS } from './migrations.ts';
import { sqliteDialect } from './sqlite.ts';
import type { Tables } from './tables.ts';

/** Either the database or a transaction on it: what a query needs. */
export type Db = Kysely<Tables>;

export interface Store {
  readonly db: Db;
  /**
   * Runs `work` in one transaction: all of it is on disk when the promise resolves, or none. One at a time, in the order of the
   * calls; hooks of `afterCommit` run before the next.
   */
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
  let last: Promise<unknown> = Promise.resolve();
  return {
    db,
    transaction: (work) => {
      const turn = last.then(async () => {
        let hooks: readonly (() => void)[] = [];
        const result = await db.transaction().execute((tx) => {
          hooks = collectHooks(tx);
          return work(tx);
        });
        for (const hook of hooks) hook();
        return result;
      });
      last = turn.catch(() => undefined);
      return turn;
    },
    close: () => db.destroy(),
  };
}
