/** A device may belong to an audience several times: what waits for it of the time before it was out is not forgotten when it comes back. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // SQLite does not change the key of a table that is there.
  await db.schema
    .createTable('stays')
    .addColumn('device_id', 'text', (c) => c.notNull().references('queues.device_id').onDelete('cascade'))
    .addColumn('audience', 'text', (c) => c.notNull())
    .addColumn('since', 'bigint', (c) => c.notNull())
    .addColumn('until', 'bigint')
    .addPrimaryKeyConstraint('stays_key', ['device_id', 'audience', 'since'])
    .execute();
  await sql`insert into stays select device_id, audience, since, until from subscriptions`.execute(db);
  await db.schema.dropTable('subscriptions').execute();
  await db.schema.alterTable('stays').renameTo('subscriptions').execute();
  await db.schema.createIndex('subscriptions_audience').on('subscriptions').column('audience').execute();
}
