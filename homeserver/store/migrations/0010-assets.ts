/** Encrypted files, uploads that are to become some, and what they take up. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('assets')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('owner', 'text', (c) => c.notNull())
    .addColumn('request', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('size', 'bigint', (c) => c.notNull())
    .addColumn('received', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('completed_at', 'bigint')
    .addColumn('expires_at', 'bigint')
    .addColumn('sha256', 'text')
    .addUniqueConstraint('assets_request', ['owner', 'request'])
    .execute();
  await db.schema.createIndex('assets_expires').on('assets').column('expires_at').execute();
  await db.schema
    .createTable('asset_usage')
    .addColumn('owner', 'text', (c) => c.primaryKey())
    .addColumn('bytes', 'bigint', (c) => c.notNull())
    .addColumn('uploads', 'integer', (c) => c.notNull())
    .execute();
}
