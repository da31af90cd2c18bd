/** What waits for devices: every entry once, whoever waits for it, and how far each device is. */
import type { Kysely } from 'kysely';
import { counted } from '../columns.ts';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('entries')
    .addColumn('position', ...counted(db))
    .addColumn('audience', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('group_id', 'text')
    .addColumn('sender', 'text')
    .addColumn('id', 'text')
    .addColumn('payload', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('entries_audience').on('entries').columns(['audience', 'position']).execute();
  await db.schema
    .createTable('queues')
    .addColumn('device_id', 'text', (c) => c.primaryKey())
    .addColumn('acknowledged', 'bigint', (c) => c.notNull())
    .addColumn('dropped', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('subscriptions')
    .addColumn('device_id', 'text', (c) => c.notNull().references('queues.device_id').onDelete('cascade'))
    .addColumn('audience', 'text', (c) => c.notNull())
    .addColumn('since', 'bigint', (c) => c.notNull())
    .addColumn('until', 'bigint')
    .addPrimaryKeyConstraint('subscriptions_key', ['device_id', 'audience'])
    .execute();
  // What is true of this database alone; a restored one is another.
  await db.schema
    .createTable('properties')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('value', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('subscriptions_audience').on('subscriptions').column('audience').execute();
}
