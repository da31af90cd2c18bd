/** Where devices are woken, in the database. */
import type { DeviceId, UserId } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import type { Audience } from './queue-table.ts';

export interface NewTarget {
  readonly device: DeviceId;
  readonly user: UserId;
  readonly session: string;
  readonly endpoint: string;
}

/** In the place of the device's last one. */
export async function setTarget(db: Db, { device, user, session, endpoint }: NewTarget, now: number): Promise<void> {
  const row = { session_id: session, user_id: user, endpoint, created_at: now };
  await db
    .insertInto('push_targets')
    .values({ device_id: device, ...row })
    .onConflict((c) => c.column('device_id').doUpdateSet(row))
    .execute();
}

export async function targetOf(db: Db, device: DeviceId): Promise<string | undefined> {
  const row = await db.selectFrom('push_targets').select('endpoint').where('device_id', '=', device).executeTakeFirst();
  return row?.endpoint;
}

/** @param endpoint only where it still is this one; whichever it is when left out */
export async function dropTarget(db: Db, device: DeviceId, endpoint?: string): Promise<void> {
  const query = db.deleteFrom('push_targets').where('device_id', '=', device);
  await (endpoint === undefined ? query : query.where('endpoint', '=', endpoint)).execute();
}

/** The devices of a person that can be woken. */
export async function wakeableOf(db: Db, user: UserId): Promise<DeviceId[]> {
  const rows = await db.selectFrom('push_targets').select('device_id').where('user_id', '=', user).execute();
  return rows.map(({ device_id }) => device_id);
}

/** Those that an audience consists of and that can be woken. */
export async function wakeableIn(db: Db, audience: Audience): Promise<{ device: DeviceId; user: UserId }[]> {
  const rows = await db
    .selectFrom('subscriptions')
    .innerJoin('push_targets', 'push_targets.device_id', 'subscriptions.device_id')
    .select(['push_targets.device_id', 'push_targets.user_id'])
    .where('subscriptions.audience', '=', audience)
    .where('until', 'is', null)
    .execute();
  return rows.map((row) => ({ device: row.device_id, user: row.user_id }));
}

export async function hasTargets(db: Db): Promise<boolean> {
  return (await db.selectFrom('push_targets').select('device_id').limit(1).executeTakeFirst()) !== undefined;
}
