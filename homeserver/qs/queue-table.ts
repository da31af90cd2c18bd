/**
 * Queues of devices in the database. An entry stands there once, whoever it is for; a queue is the entries of the audiences
 * that a device belongs to, behind the position that it acknowledged. So a message to a group of 500 is one row, and an
 * acknowledgement one number.
 */
import type { DeviceId, GroupId } from '#signalling/ids.ts';
import type { Entry } from '#signalling/queue.ts';
import { planned } from '../store/planned.ts';
import { inLists, inParts } from '../store/rows.ts';
import type { Db } from '../store/store.ts';
import type { EntryRow } from '../store/tables.ts';

export type Audience = GroupId | DeviceId;

export interface NewEntry {
  readonly audience: Audience;
  readonly kind: EntryRow['kind'];
  /** Where one device is told something about a group. */
  readonly group?: GroupId;
  readonly sender?: DeviceId;
  readonly id?: string;
  /** base64url */
  readonly payload: string;
  /** Whether nobody is to be woken for it. Written down for other domains, who hear of it later. */
  readonly quiet?: boolean;
  /** ms since 1970 */
  readonly at: number;
}

export interface Placed {
  readonly audience: Audience;
  readonly entry: Entry;
}

/** Writes entries, and says where each stands: in the order in which they are given. */
export async function append(tx: Db, entries: readonly NewEntry[]): Promise<Placed[]> {
  const placed: Placed[] = [];
  for (const part of inParts(entries)) {
    const rows = part.map(
      ({ audience, kind, group: group_id = null, sender = null, id = null, payload, at, quiet }) => ({
        ...{ audience, kind, group_id, sender, id, payload, at, is_quiet: quiet === true ? 1 : 0 },
      }),
    );
    const values = rows.flatMap(({ audience, kind, group_id, sender, id, payload, at, is_quiet }) => [
      ...[audience, kind, group_id, sender, id, payload, at, is_quiet],
    ]);
    const { rows: written } = await planned(tx, `append ${rows.length}`, values, () =>
      tx.insertInto('entries').values(rows).returning('position'),
    );
    // Both engines number the rows of a statement one after the other, and say so in any order.
    const positions = written.map(({ position }) => position).sort((x, y) => x - y);
    for (const [index, row] of rows.entries()) {
      const position = positions[index];
      if (position === undefined) throw new Error('an entry was not written');
      placed.push({ audience: row.audience, entry: shown({ ...row, position }) });
    }
  }
  return placed;
}

/** The first of what waits for a device behind a position, in order. Its own application messages are not for it. */
export async function waiting(db: Db, device: DeviceId, after: number, limit: number): Promise<Entry[]> {
  const rows = await db
    .selectFrom('subscriptions')
    .innerJoin('queues', 'queues.device_id', 'subscriptions.device_id')
    .innerJoin('entries', 'entries.audience', 'subscriptions.audience')
    .select(['entries.position', 'entries.audience', 'kind', 'group_id', 'sender', 'id', 'payload', 'at'])
    .where('subscriptions.device_id', '=', device)
    .where('entries.position', '>', after)
    .whereRef('entries.position', '>', 'subscriptions.since')
    .where((e) => e.or([e('until', 'is', null), e('entries.position', '<=', e.ref('until'))]))
    .where((e) => e.or([e('kind', '!=', 'message'), e('entries.position', '>', e.ref('queues.dropped'))]))
    .where((e) => e.or([e('kind', '!=', 'message'), e('sender', 'is', null), e('sender', '!=', device)]))
    .orderBy('entries.position')
    .limit(limit)
    .execute();
  return rows.map(shown);
}

/** Of all that was ever written, as far as anybody knows of it. */
export async function newestPosition(db: Db): Promise<number> {
  const { kept } = await db
    .selectFrom('entries')
    .select((e) => e.fn.max('position').as('kept'))
    .executeTakeFirstOrThrow();
  const { known } = await db
    .selectFrom('queues')
    .select((e) => e.fn.max('acknowledged').as('known'))
    .executeTakeFirstOrThrow();
  const { told } = await db
    .selectFrom('feeds')
    .select((e) => e.fn.max('acknowledged').as('told'))
    .executeTakeFirstOrThrow();
  return Math.max(kept ?? 0, known ?? 0, told ?? 0);
}

/** The name of this order of positions; the given one where it has none yet. */
export async function orderId(db: Db, fresh: string): Promise<string> {
  await db
    .insertInto('properties')
    .values({ name: 'queue', value: fresh })
    .onConflict((c) => c.column('name').doNothing())
    .execute();
  const { value } = await db
    .selectFrom('properties')
    .select('value')
    .where('name', '=', 'queue')
    .executeTakeFirstOrThrow();
  return value;
}

/** Lets a device belong to an audience from a position on. It has a queue from the first time on. */
export async function subscribe(tx: Db, device: DeviceId, audience: Audience, since: number): Promise<void> {
  await tx
    .insertInto('queues')
    .values({ device_id: device, acknowledged: since, dropped: 0 })
    .onConflict((c) => c.column('device_id').doNothing())
    .execute();
  // Whoever is in already begins anew; of a stay that is over the rest is still for it.
  await tx
    .deleteFrom('subscriptions')
    .where('device_id', '=', device)
    .where('audience', '=', audience)
    .where('until', 'is', null)
    .execute();
  // It gets nothing of both.
  await tx
    .updateTable('subscriptions')
    .set({ until: since })
    .where('device_id', '=', device)
    .where('audience', '=', audience)
    .where('until', '>', since)
    .execute();
  await tx
    .insertInto('subscriptions')
    .values({ device_id: device, audience, since, until: null })
    .onConflict((c) => c.columns(['device_id', 'audience', 'since']).doUpdateSet({ until: null }))
    .execute();
}

/** Ends it at a position, which the device still gets. */
export async function unsubscribe(tx: Db, device: DeviceId, audience: Audience, until: number): Promise<void> {
  await tx
    .updateTable('subscriptions')
    .set({ until })
    .where('device_id', '=', device)
    .where('audience', '=', audience)
    .where('until', 'is', null)
    .execute();
}

/** The same for all devices that belong to the audience. */
export async function unsubscribeAll(tx: Db, audience: Audience, until: number): Promise<DeviceId[]> {
  const rows = await tx
    .updateTable('subscriptions')
    .set({ until })
    .where('audience', '=', audience)
    .where('until', 'is', null)
    .returning('device_id')
    .execute();
  return rows.map(({ device_id }) => device_id);
}

/** All devices that something may wait for. */
export async function queuedDevices(db: Db): Promise<DeviceId[]> {
  const rows = await db.selectFrom('queues').select('device_id').execute();
  return rows.map(({ device_id }) => device_id);
}

export async function queuedAmong(db: Db, devices: readonly DeviceId[]): Promise<Set<DeviceId>> {
  const found = new Set<DeviceId>();
  for (const part of inLists(devices)) {
    const rows = await db.selectFrom('queues').select('device_id').where('device_id', 'in', part).execute();
    for (const { device_id } of rows) found.add(device_id);
  }
  return found;
}

export async function readersOf(db: Db, groups: readonly GroupId[]): Promise<Map<GroupId, Set<DeviceId>>> {
  const readers = new Map<GroupId, Set<DeviceId>>(groups.map((group) => [group, new Set()]));
  for (const part of inLists(groups)) {
    const { rows } = await planned(db, `readers ${part.length}`, part, () =>
      db
        .selectFrom('subscriptions')
        .select(['audience', 'device_id'])
        .where('audience', 'in', part)
        .where('until', 'is', null),
    );
    for (const { audience, device_id } of rows) if (isGroup(audience)) readers.get(audience)?.add(device_id);
  }
  return readers;
}

export async function audiencesOf(db: Db, device: DeviceId): Promise<Audience[]> {
  const rows = await db
    .selectFrom('subscriptions')
    .select('audience')
    .where('device_id', '=', device)
    .where('until', 'is', null)
    .execute();
  return rows.map(({ audience }) => audience);
}

/** As far as it is written down. */
export async function acknowledgedBy(db: Db, device: DeviceId): Promise<number> {
  const row = await db.selectFrom('queues').select('acknowledged').where('device_id', '=', device).executeTakeFirst();
  return row?.acknowledged ?? 0;
}

/** A position is acknowledged once: an older one changes nothing. */
export async function acknowledge(tx: Db, positions: ReadonlyMap<DeviceId, number>): Promise<void> {
  for (const part of inParts([...positions])) {
    const known = await tx
      .selectFrom('queues')
      .select('device_id')
      .where(
        'device_id',
        'in',
        part.map(([device]) => device),
      )
      .execute();
    // Of devices that were removed meanwhile nothing is kept.
    const here = new Set(known.map(({ device_id }) => device_id));
    const rows = part
      .filter(([device]) => here.has(device))
      .map(([device_id, acknowledged]) => ({ device_id, acknowledged, dropped: 0 }));
    for (const some of inParts(rows)) {
      await tx
        .insertInto('queues')
        .values(some)
        .onConflict((c) =>
          c
            .column('device_id')
            .doUpdateSet((e) => ({ acknowledged: e.ref('excluded.acknowledged') }))
            .whereRef('queues.acknowledged', '<', 'excluded.acknowledged'),
        )
        .execute();
    }
  }
}

/** The device is gone, and whatever waited for it alone with it. */
export async function removeQueue(tx: Db, device: DeviceId): Promise<void> {
  await tx.deleteFrom('queues').where('device_id', '=', device).execute();
  await tx.deleteFrom('entries').where('audience', '=', device).execute();
}

/** Audiences for which something is kept. */
export async function keptAudiences(db: Db): Promise<Audience[]> {
  const rows = await db.selectFrom('entries').select('audience').distinct().execute();
  return rows.map(({ audience }) => audience);
}

type ShownRow = Omit<EntryRow, 'position' | 'is_quiet'> & { readonly position: number };

function shown({ position, audience, kind, group_id, sender, id, payload, at }: ShownRow): Entry {
  const group = isGroup(audience) ? audience : group_id;
  return {
    position,
    kind,
    ...(group !== null && { group }),
    at,
    ...(sender !== null && { sender }),
    ...(id !== null && { id }),
    payload,
  };
}

export function isGroup(audience: Audience): audience is GroupId {
  return audience.includes('/g/');
}
