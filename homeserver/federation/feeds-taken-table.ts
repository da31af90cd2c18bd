/** How far this domain has the feeds of other hubs, in the database. */
import type { DomainName } from '#signalling/ids.ts';
import { planned } from '../store/planned.ts';
import type { Db } from '../store/store.ts';

/** Positions of the last request that was taken, and digests of what they said. */
export type Recent = ReadonlyMap<number, string>;

export interface Taken {
  readonly received: number;
  readonly recent: Recent;
}

/** Orders that are remembered of a hub: each restoring of it begins another one, and a lying one names as many as it likes. */
const MAX_ORDERS = 8;

export async function takenOf(db: Db, hub: DomainName, order: string): Promise<Taken> {
  const taken = await planned(db, 'taken of a feed', [hub, order], () =>
    db.selectFrom('feeds_taken').select(['received', 'recent']).where('hub', '=', hub).where('hub_order', '=', order),
  );
  const [row] = taken.rows;
  return { received: row?.received ?? 0, recent: new Map(row ? (JSON.parse(row.recent) as [number, string][]) : []) };
}

export async function storeTaken(
  tx: Db,
  hub: DomainName,
  order: string,
  { received, recent }: Taken,
  now: number,
): Promise<void> {
  const values = { received, recent: JSON.stringify([...recent]), taken_at: now };
  const inOrder = [received, values.recent, now, hub, order];
  const { numAffectedRows = 0n } = await planned(tx, 'take of a feed', inOrder, () =>
    tx.updateTable('feeds_taken').set(values).where('hub', '=', hub).where('hub_order', '=', order),
  );
  if (numAffectedRows > 0n) return;
  await tx
    .insertInto('feeds_taken')
    .values({ hub, hub_order: order, ...values })
    .execute();
  const newest = tx
    .selectFrom('feeds_taken')
    .select('hub_order')
    .where('hub', '=', hub)
    .orderBy('taken_at', 'desc')
    .limit(MAX_ORDERS);
  const kept = (await newest.execute()).map(({ hub_order }) => hub_order);
  await tx
    .deleteFrom('feeds_taken')
    .where('hub', '=', hub)
    .where('hub_order', 'not in', [...kept, order])
    .execute();
}

/** Of the order that was spoken of last, for each hub. */
export async function newestTaken(db: Db): Promise<Map<DomainName, number>> {
  const rows = await db.selectFrom('feeds_taken').select(['hub', 'received']).orderBy('taken_at').execute();
  return new Map(rows.map(({ hub, received }) => [hub, received]));
}

export async function forgetTaken(tx: Db, hub: DomainName): Promise<void> {
  await tx.deleteFrom('feeds_taken').where('hub', '=', hub).execute();
}
