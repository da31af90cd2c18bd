/** Where browsers that are closed are woken. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('push_targets')
    .addColumn('device_id', 'text', (c) => c.primaryKey())
    // Whoever signed out, or was signed out, is told nothing more.
    .addColumn('session_id', 'text', (c) => c.notNull().references('sessions.id').onDelete('cascade'))
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addColumn('endpoint', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('push_targets_session').on('push_targets').column('session_id').execute();
  await db.schema.createIndex('push_targets_user').on('push_targets').column('user_id').execute();
}
