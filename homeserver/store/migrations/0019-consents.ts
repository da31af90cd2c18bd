/** What was told to and heard from other domains of who wants to be connected, and names as they are looked for. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('consents')
    // No reference to the account: that it is gone has to be told too.
    .addColumn('owner', 'text', (c) => c.notNull())
    .addColumn('peer', 'text', (c) => c.notNull())
    .addColumn('told', 'bigint', (c) => c.notNull())
    .addColumn('wants', 'integer', (c) => c.notNull())
    .addColumn('known', 'bigint', (c) => c.notNull())
    .addColumn('heard', 'bigint', (c) => c.notNull())
    .addColumn('name', 'text')
    .addColumn('changed_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('consents_key', ['owner', 'peer'])
    .execute();
  await db.schema
    .alterTable('accounts')
    .addColumn('folded', 'text', (c) => c.notNull().defaultTo(''))
    .execute();
  const { rows } = await sql<{ user_id: string; name: string }>`select user_id, name from accounts`.execute(db);
  for (const { user_id, name } of rows) {
    await sql`update accounts set folded = ${folded(name)} where user_id = ${user_id}`.execute(db);
  }
}

/** As names were folded when this was released. */
function folded(name: string): string {
  const words = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().split(/\s+/u);
  return words.map((word) => ` ${word}`).join('');
}
