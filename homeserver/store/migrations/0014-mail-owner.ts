/** Whose an e-mail is that waits: it goes with the account. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('mail_queue')
    .addColumn('user_id', 'text', (c) => c.references('accounts.user_id').onDelete('cascade'))
    .execute();
  await db.schema.createIndex('mail_queue_user').on('mail_queue').column('user_id').execute();
}
