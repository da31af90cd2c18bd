/** Calls have groups of their own: a group belongs to a room, which is a conversation or a call in one. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('calls').addColumn('group_id', 'text').execute();
  await withoutReference(db);
}

/**
 * `groups` and `sent_numbers` name the room in the place of a conversation, which neither engine can let go of in a table that is there.
 * What hangs on groups is copied first, because it goes with what it hangs on.
 */
async function withoutReference(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('room_groups')
    .addColumn('group_id', 'text', (c) => c.primaryKey())
    // Unique: one group a room, whatever the code above believes.
    .addColumn('conversation_id', 'text', (c) => c.notNull().unique())
    .addColumn('epoch', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await copy(db, 'groups', 'room_groups', ['group_id', 'conversation_id', 'epoch', 'created_at']);

  const ofGroup = (name: string) =>
    db.schema
      .createTable(`room_${name}`)
      .addColumn('group_id', 'text', (c) => c.notNull().references('room_groups.group_id').onDelete('cascade'));
  await ofGroup('group_records')
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('value', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('room_group_records_key', ['group_id', 'key'])
    .execute();
  await ofGroup('group_devices')
    .addColumn('device_id', 'text', (c) => c.notNull())
    .addColumn('put_out', 'integer', (c) => c.notNull().defaultTo(0))
    .addPrimaryKeyConstraint('room_group_devices_key', ['group_id', 'device_id'])
    .execute();
  await ofGroup('group_commits')
    .addColumn('epoch', 'bigint', (c) => c.notNull())
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('position', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('room_group_commits_key', ['group_id', 'epoch'])
    .execute();
  await ofGroup('group_trees')
    .addColumn('epoch', 'bigint', (c) => c.notNull())
    .addColumn('tree', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('room_group_trees_key', ['group_id', 'epoch'])
    .execute();
  const parts = {
    group_records: ['group_id', 'key', 'value'],
    group_devices: ['group_id', 'device_id', 'put_out'],
    group_commits: ['group_id', 'epoch', 'id', 'position'],
    group_trees: ['group_id', 'epoch', 'tree', 'expires_at'],
  };
  for (const [name, columns] of Object.entries(parts)) {
    await copy(db, name, `room_${name}`, columns);
    await db.schema.dropTable(name).execute();
  }
  await db.schema.dropTable('groups').execute();
  for (const name of ['groups', ...Object.keys(parts)]) {
    await db.schema.alterTable(`room_${name}`).renameTo(name).execute();
  }
  await db.schema.createIndex('group_devices_device').on('group_devices').column('device_id').execute();

  await db.schema
    .createTable('room_sent_numbers')
    .addColumn('device_id', 'text', (c) => c.notNull())
    .addColumn('conversation_id', 'text', (c) => c.notNull())
    .addColumn('number', 'bigint', (c) => c.notNull())
    .addColumn('position', 'bigint', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('digest', 'text')
    .addColumn('unsent', 'text')
    .addPrimaryKeyConstraint('room_sent_numbers_key', ['device_id', 'conversation_id'])
    .execute();
  const numbers = ['device_id', 'conversation_id', 'number', 'position', 'at', 'digest', 'unsent'];
  await copy(db, 'sent_numbers', 'room_sent_numbers', numbers);
  await db.schema.dropTable('sent_numbers').execute();
  await db.schema.alterTable('room_sent_numbers').renameTo('sent_numbers').execute();
}

async function copy(db: Kysely<unknown>, from: string, to: string, columns: readonly string[]): Promise<void> {
  const names = sql.join(columns.map((name) => sql.ref(name)));
  await sql`insert into ${sql.table(to)} (${names}) select ${names} from ${sql.table(from)}`.execute(db);
}
