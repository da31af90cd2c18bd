/** Calls, who is in them, and under which pseudonyms. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('calls')
    .addColumn('conference', 'text', (c) => c.primaryKey())
    // Unique: one call at a time in a conversation, whatever the code above believes.
    .addColumn('conversation_id', 'text', (c) =>
      c.notNull().unique().references('conversations.id').onDelete('cascade'),
    )
    .addColumn('anchor', 'text', (c) => c.notNull())
    .addColumn('started_by', 'text', (c) => c.notNull())
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('call_members')
    .addColumn('conference', 'text', (c) => c.notNull().references('calls.conference').onDelete('cascade'))
    .addColumn('participant', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addColumn('position', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('call_members_key', ['conference', 'participant'])
    .execute();
  await db.schema
    .createTable('call_presence')
    .addColumn('conference', 'text', (c) => c.notNull().references('calls.conference').onDelete('cascade'))
    .addColumn('domain', 'text', (c) => c.notNull())
    .addColumn('seq', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('call_presence_key', ['conference', 'domain'])
    .execute();
  await db.schema
    .createTable('call_secrets')
    .addColumn('conference', 'text', (c) => c.primaryKey().references('calls.conference').onDelete('cascade'))
    .addColumn('secret', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('call_pseudonyms')
    .addColumn('participant', 'text', (c) => c.primaryKey())
    .addColumn('conference', 'text', (c) => c.notNull().references('calls.conference').onDelete('cascade'))
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addColumn('issued_at', 'bigint', (c) => c.notNull())
    .addColumn('present', 'integer', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('call_pseudonyms_conference').on('call_pseudonyms').column('conference').execute();
}
