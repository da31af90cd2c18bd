/** Which messages nobody is to be woken for: other domains are told so too, and may hear of it later. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('entries')
    .addColumn('is_quiet', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
}
