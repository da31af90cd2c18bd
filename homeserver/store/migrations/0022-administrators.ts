/** Who of the people of this domain administers it from the page. Nobody does until somebody at the machine says so. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('accounts')
    .addColumn('administrator', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
}
