/** The log of decisions and administrative acts, and since when each domain is allowed. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit')
    .addColumn('seq', 'bigint', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('domain', 'text')
    .addColumn('call', 'text')
    .addColumn('code', 'text')
    .addColumn('detail', 'text')
    .addColumn('count', 'bigint', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('peer_ages')
    .addColumn('domain', 'text', (c) => c.primaryKey())
    .addColumn('first_at', 'bigint', (c) => c.notNull())
    .execute();
}
