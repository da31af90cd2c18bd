/** Domains as readers of this hub's queue, and how far this domain has read those of other hubs. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('followings')
    .addColumn('domain', 'text', (c) => c.notNull())
    .addColumn('group_id', 'text', (c) => c.notNull())
    .addColumn('conversation_id', 'text', (c) => c.notNull())
    .addColumn('since', 'bigint', (c) => c.notNull())
    .addColumn('until', 'bigint')
    .addPrimaryKeyConstraint('followings_key', ['domain', 'group_id', 'since'])
    .execute();
  await db.schema.createIndex('followings_group').on('followings').column('group_id').execute();
  await db.schema
    .createTable('feeds')
    .addColumn('domain', 'text', (c) => c.primaryKey())
    .addColumn('acknowledged', 'bigint', (c) => c.notNull())
    .addColumn('dropped', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('feed_moves')
    .addColumn('domain', 'text', (c) => c.notNull())
    .addColumn('position', 'bigint', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('feed_moves_key', ['domain', 'position'])
    .execute();
  await db.schema
    .createTable('feeds_taken')
    .addColumn('hub', 'text', (c) => c.notNull())
    .addColumn('hub_order', 'text', (c) => c.notNull())
    .addColumn('received', 'bigint', (c) => c.notNull())
    .addColumn('recent', 'text', (c) => c.notNull())
    .addColumn('taken_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('feeds_taken_key', ['hub', 'hub_order'])
    .execute();
}
