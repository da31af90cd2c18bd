/**
 * Whom the administrator of this domain put out of a call that another domain leads. Its hub knows nothing of it and decides about all
 * others; here no ticket is given any more. Gone with the call.
 */
import type { ConferenceId, UserId } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';

export async function bar(db: Db, conference: ConferenceId, user: UserId): Promise<void> {
  const row = { conference, user_id: user };
  await db
    .insertInto('call_bars')
    .values(row)
    .onConflict((c) => c.doNothing())
    .execute();
}

export async function barredIn(db: Db, conference: ConferenceId): Promise<UserId[]> {
  const rows = await db.selectFrom('call_bars').select('user_id').where('conference', '=', conference).execute();
  return rows.map(({ user_id }) => user_id);
}
