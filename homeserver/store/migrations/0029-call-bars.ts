/** Who of this domain was put out of a call that another one leads, by the administrator here. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('call_bars')
    .addColumn('conference', 'text', (c) => c.notNull().references('calls.conference').onDelete('cascade'))
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('call_bars_key', ['conference', 'user_id'])
    .execute();
}
