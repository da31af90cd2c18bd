/** Guests of calls: the links by which they are invited, and who of them is here. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('calls').addColumn('guests', 'text').execute();
  // Of a call: with it go its links.
  await db.schema
    .createTable('guest_links')
    .addColumn('id', 'text', (c) => c.primaryKey())
    // SHA-256: a copy of the database lets nobody in.
    .addColumn('hash', 'text', (c) => c.notNull().unique())
    .addColumn('conference', 'text', (c) => c.notNull().references('calls.conference').onDelete('cascade'))
    .addColumn('made_by', 'text', (c) => c.notNull().references('accounts.user_id').onDelete('cascade'))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('guest_links_conference').on('guest_links').column('conference').execute();
  await db.schema.createIndex('guest_links_maker').on('guest_links').column('made_by').execute();
  // No reference to the call: whoever is still here when it is over has to be found.
  await db.schema
    .createTable('guests')
    .addColumn('user_id', 'text', (c) => c.primaryKey().references('accounts.user_id').onDelete('cascade'))
    .addColumn('conference', 'text', (c) => c.notNull())
    .addColumn('conversation_id', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('guests_conference').on('guests').column('conference').execute();
}
