/** MLS groups as their hub sees them. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Of every conversation, also where another domain is the hub.
  await db.schema.alterTable('conversations').addColumn('group_id', 'text').execute();
  await db.schema
    .createTable('groups')
    .addColumn('group_id', 'text', (c) => c.primaryKey())
    // Unique: one group a conversation, whatever the code above believes.
    .addColumn('conversation_id', 'text', (c) =>
      c.notNull().unique().references('conversations.id').onDelete('cascade'),
    )
    .addColumn('epoch', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('group_records')
    .addColumn('group_id', 'text', (c) => c.notNull().references('groups.group_id').onDelete('cascade'))
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('value', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('group_records_key', ['group_id', 'key'])
    .execute();
  await db.schema
    .createTable('group_devices')
    .addColumn('group_id', 'text', (c) => c.notNull().references('groups.group_id').onDelete('cascade'))
    .addColumn('device_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('group_devices_key', ['group_id', 'device_id'])
    .execute();
  await db.schema.createIndex('group_devices_device').on('group_devices').column('device_id').execute();
  await db.schema
    .createTable('group_commits')
    .addColumn('group_id', 'text', (c) => c.notNull().references('groups.group_id').onDelete('cascade'))
    .addColumn('epoch', 'bigint', (c) => c.notNull())
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('position', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('group_commits_key', ['group_id', 'epoch'])
    .execute();
  await db.schema
    .createTable('group_trees')
    .addColumn('group_id', 'text', (c) => c.notNull().references('groups.group_id').onDelete('cascade'))
    .addColumn('epoch', 'bigint', (c) => c.notNull())
    .addColumn('tree', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('group_trees_key', ['group_id', 'epoch'])
    .execute();
  await db.schema
    .createTable('sent_numbers')
    .addColumn('device_id', 'text', (c) => c.notNull())
    .addColumn('conversation_id', 'text', (c) => c.notNull().references('conversations.id').onDelete('cascade'))
    .addColumn('number', 'bigint', (c) => c.notNull())
    .addColumn('position', 'bigint', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('sent_numbers_key', ['device_id', 'conversation_id'])
    .execute();
}
