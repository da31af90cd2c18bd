/** Which devices of a group were put out by the hub, so that their removal is proposed also where the process ended before it was. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('group_devices')
    .addColumn('put_out', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
}
