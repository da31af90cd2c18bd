/** What each person of this domain has decided about others, of whatever domain. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('connections')
    .addColumn('owner', 'text', (c) => c.notNull().references('accounts.user_id').onDelete('cascade'))
    .addColumn('peer', 'text', (c) => c.notNull())
    .addColumn('decision', 'text', (c) => c.notNull())
    .addColumn('is_wanted', 'integer', (c) => c.notNull())
    .addColumn('changed_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('connections_key', ['owner', 'peer'])
    .execute();
  await db.schema.createIndex('connections_peer').on('connections').column('peer').execute();
}
