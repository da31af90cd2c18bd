/** The rows of files and uploads, and what they take up; the second changes in the transaction of the first. */
import type { AssetId, UserId } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import type { AssetRow } from '../store/tables.ts';

/** Room for one statement of SQLite, and no long transaction. */
const SWEEP_BATCH = 500;

export function findAsset(db: Db, asset: AssetId): Promise<AssetRow | undefined> {
  return db.selectFrom('assets').selectAll().where('id', '=', asset).executeTakeFirst();
}

export function findRequest(db: Db, owner: UserId, request: string): Promise<AssetRow | undefined> {
  return db
    .selectFrom('assets')
    .selectAll()
    .where('owner', '=', owner)
    .where('request', '=', request)
    .executeTakeFirst();
}

/** False where an upload of the same request is there, which another call of the device has just made. */
export async function insertUpload(tx: Db, row: AssetRow): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('assets')
    .values(row)
    .onConflict((c) => c.columns(['owner', 'request']).doNothing())
    .executeTakeFirstOrThrow();
  return Number(numInsertedOrUpdatedRows) === 1;
}

/** Says that `received` bytes are on disk; false where the upload is gone, complete, or somewhere else by now. */
export async function advance(
  db: Db,
  asset: AssetId,
  from: number,
  to: { readonly received: number; readonly expires_at: number },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('assets')
    .set(to)
    .where('id', '=', asset)
    .where('received', '=', from)
    .where('completed_at', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows) === 1;
}

/** False where it is gone, or complete already. */
export async function markComplete(
  tx: Db,
  row: AssetRow,
  as: { readonly completed_at: number; readonly expires_at: number | null; readonly sha256: string },
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('assets')
    .set({ ...as, received: row.size })
    .where('id', '=', row.id)
    .where('completed_at', 'is', null)
    .executeTakeFirstOrThrow();
  if (Number(numUpdatedRows) !== 1) return false;
  await addUsage(tx, row.owner, { bytes: 0, uploads: -1 });
  return true;
}

/**
 * False where it is gone already.
 * @param dueAt only where its time is over then, so that an upload which goes on at the last moment is kept
 */
export async function deleteAsset(tx: Db, asset: AssetId, dueAt?: number): Promise<boolean> {
  let query = tx.deleteFrom('assets').where('id', '=', asset);
  if (dueAt !== undefined) query = query.where('expires_at', '<=', dueAt);
  const row = await query.returning(['owner', 'size', 'completed_at']).executeTakeFirst();
  if (!row) return false;
  await addUsage(tx, row.owner, { bytes: -Number(row.size), uploads: row.completed_at === null ? -1 : 0 });
  return true;
}

export interface Usage {
  readonly bytes: number;
  readonly uploads: number;
}

/** Adds to what somebody takes up; resolves with what it is then. */
export async function addUsage(tx: Db, owner: UserId, { bytes, uploads }: Usage): Promise<Usage> {
  const row = await tx
    .insertInto('asset_usage')
    .values({ owner, bytes, uploads })
    .onConflict((c) =>
      c.column('owner').doUpdateSet((e) => ({
        bytes: e('asset_usage.bytes', '+', e.ref('excluded.bytes')),
        uploads: e('asset_usage.uploads', '+', e.ref('excluded.uploads')),
      })),
    )
    .returning(['bytes', 'uploads'])
    .executeTakeFirstOrThrow();
  return { bytes: Number(row.bytes), uploads: Number(row.uploads) };
}

export async function usageOf(db: Db, owner: UserId): Promise<Usage> {
  const row = await db
    .selectFrom('asset_usage')
    .select(['bytes', 'uploads'])
    .where('owner', '=', owner)
    .executeTakeFirst();
  return row ? { bytes: Number(row.bytes), uploads: Number(row.uploads) } : { bytes: 0, uploads: 0 };
}

export async function usageOfAll(db: Db): Promise<Usage> {
  const row = await db
    .selectFrom('asset_usage')
    .select((e) => [
      e.fn.sum<number | string | null>('bytes').as('bytes'),
      e.fn.sum<number | string | null>('uploads').as('uploads'),
    ])
    .executeTakeFirstOrThrow();
  return { bytes: Number(row.bytes ?? 0), uploads: Number(row.uploads ?? 0) };
}

/** Uploads that stalled and files whose time is over, the oldest first, some of them. */
export async function expired(db: Db, now: number): Promise<AssetId[]> {
  const rows = await db
    .selectFrom('assets')
    .select('id')
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(SWEEP_BATCH)
    .execute();
  return rows.map(({ id }) => id);
}

/** Those of some ids that have a row. */
export async function known(db: Db, assets: readonly AssetId[]): Promise<Set<AssetId>> {
  if (assets.length === 0) return new Set();
  const rows = await db
    .selectFrom('assets')
    .select('id')
    .where('id', 'in', [...assets])
    .execute();
  return new Set(rows.map(({ id }) => id));
}
