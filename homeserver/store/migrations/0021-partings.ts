/** Domains that are not allowed any more: how far it is to part with them, and what is left to say if they are allowed again. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('partings')
    .addColumn('domain', 'text', (c) => c.primaryKey())
    .addColumn('begun_at', 'bigint', (c) => c.notNull())
    .addColumn('total', 'integer', (c) => c.notNull())
    .addColumn('done', 'integer', (c) => c.notNull())
    .addColumn('after', 'text')
    .addColumn('ended_at', 'bigint')
    .execute();
  await db.schema
    .createTable('parted_conversations')
    .addColumn('domain', 'text', (c) => c.notNull())
    .addColumn('conversation_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('parted_conversations_key', ['domain', 'conversation_id'])
    .execute();
  await db.schema
    .createTable('parted_people')
    .addColumn('conversation_id', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('parted_people_key', ['conversation_id', 'user_id'])
    .execute();
}
