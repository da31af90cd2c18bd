/** Brings the schema of a database up to a version, all of it or nothing. */
import { type Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { StoreError } from './faults.ts';
import { MIGRATIONS } from './migrations.ts';

/** Names of all versions, oldest first. */
export const VERSIONS: readonly string[] = Object.keys(MIGRATIONS).sort();

/**
 * @param version one of VERSIONS, which must not be older than the database; the newest when left out
 * @throws StoreError where a newer version of Hawser wrote the database; what the engine throws
 */
export async function migrate<T>(db: Kysely<T>, version = VERSIONS.at(-1)): Promise<void> {
  const present = await versionOf(db);
  if (present !== undefined && !VERSIONS.includes(present)) {
    throw new StoreError(
      `The database was written by a newer version of Hawser than this one (${present}). Install that version, or a newer one.`,
    );
  }
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...MIGRATIONS }) } });
  const { error } = await migrator.migrateTo(version ?? '');
  if (error !== undefined) throw error;
}

/** The newest migration that a database has seen; undefined for an empty one. */
export async function versionOf<T>(db: Kysely<T>): Promise<string | undefined> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === 'kysely_migration')) return undefined;
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name desc limit 1`.execute(
    db,
  );
  return rows[0]?.name;
}
