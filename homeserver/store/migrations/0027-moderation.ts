/** What those who moderate a call have decided about it, as JSON. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('calls').addColumn('moderation', 'text').execute();
}
