/** What other domains say with which keys they sign and what speaks for their devices, kept for times at which they cannot be asked. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('peer_keys')
    .addColumn('domain', 'text', (c) => c.primaryKey())
    .addColumn('keys', 'text', (c) => c.notNull())
    .addColumn('fetched_at', 'bigint', (c) => c.notNull())
    .addColumn('waiting', 'text')
    .execute();
}
