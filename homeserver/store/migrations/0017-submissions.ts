/** Messages of this domain's devices on their way to the hubs of other domains. */
import type { Kysely } from 'kysely';
import { counted } from '../columns.ts';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('submissions')
    .addColumn('position', ...counted(db))
    .addColumn('hub', 'text', (c) => c.notNull())
    .addColumn('device_id', 'text', (c) => c.notNull())
    // Of no conversation that has to be there: what becomes of it is told also to whoever is out meanwhile.
    .addColumn('conversation_id', 'text', (c) => c.notNull())
    .addColumn('group_id', 'text', (c) => c.notNull())
    .addColumn('number', 'bigint', (c) => c.notNull())
    .addColumn('message', 'text', (c) => c.notNull())
    .addColumn('is_quiet', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('submissions_hub').on('submissions').columns(['hub', 'position']).execute();
  await db.schema
    .createIndex('submissions_number')
    .unique()
    .on('submissions')
    .columns(['device_id', 'conversation_id', 'number'])
    .execute();
  await db.schema.alterTable('sent_numbers').addColumn('digest', 'text').execute();
}
