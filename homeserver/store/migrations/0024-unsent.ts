/** Which numbers of a device were left out, so that it is never told that a message was sent which did not come. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('sent_numbers').addColumn('unsent', 'text').execute();
}
