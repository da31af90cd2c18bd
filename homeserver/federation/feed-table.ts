/** What waits for a domain: the entries of the groups that it follows, behind what it has. Queries only. */
import { sql } from 'kysely';
import type { DeviceId, DomainName, GroupId, RoomId } from '#signalling/ids.ts';
import { planned } from '../store/planned.ts';
import type { Db } from '../store/store.ts';
import type { EntryRow } from '../store/tables.ts';

/** Behind `after`; messages only behind `dropped`. */
export interface Range {
  readonly domain: DomainName;
  readonly after: number;
  readonly dropped: number;
}

export interface Sized {
  readonly position: number;
  /** Characters of the payload and of what is told besides. */
  readonly length: number;
  readonly conversation: RoomId;
}

export interface WaitingRow {
  readonly position: number;
  readonly conversation: RoomId;
  readonly group: GroupId;
  readonly kind: EntryRow['kind'];
  readonly at: number;
  readonly sender: DeviceId | null;
  readonly id: string | null;
  readonly payload: string;
  readonly is_quiet: number;
  /** JSON of `Moves`. */
  readonly moves: string | null;
}

/**
 * In the order of the queue, and up to a position. Written as a cross join, which SQLite takes for its order of the tables: entries one
 * after the other. Otherwise it would sort all that waits for each request.
 */
function inOrder(db: Db, { domain, after, dropped }: Range, upTo: number) {
  return db
    .selectFrom('entries')
    .crossJoin('followings')
    .leftJoin('feed_moves', (j) =>
      j.on('feed_moves.domain', '=', domain).onRef('feed_moves.position', '=', 'entries.position'),
    )
    .where('entries.position', '>', after)
    .where('entries.position', '<=', upTo)
    .where('followings.domain', '=', domain)
    .whereRef('followings.group_id', '=', 'entries.audience')
    .whereRef('entries.position', '>', 'followings.since')
    .where((e) => e.or([e('until', 'is', null), e('entries.position', '<=', e.ref('until'))]))
    .where((e) => e.or([e('kind', '!=', 'message'), e('entries.position', '>', dropped)]))
    .orderBy('entries.position');
}

/** The first of what waits up to a position, with how much each is. */
export function sizesUpTo(db: Db, range: Range, upTo: number, limit: number): Promise<Sized[]> {
  return inOrder(db, range, upTo)
    .select(['entries.position', 'followings.conversation_id as conversation'])
    .select(sql<number>`octet_length(payload) + coalesce(octet_length(body), 0)`.as('length'))
    .limit(limit)
    .execute();
}

/** All of what waits up to a position. */
export async function waitingUpTo(db: Db, range: Range, upTo: number): Promise<readonly WaitingRow[]> {
  const { domain, after, dropped } = range;
  const values = [domain, after, upTo, domain, 'message', dropped];
  const { rows } = await planned(db, 'waiting for a domain', values, () =>
    inOrder(db, range, upTo)
      .select(['entries.position', 'followings.conversation_id as conversation', 'followings.group_id as group'])
      .select(['kind', 'at', 'sender', 'id', 'payload', 'is_quiet', 'feed_moves.body as moves']),
  );
  return rows;
}

/** Written the other way round: from the groups to their entries, because what waits is few of all. */
function inGroups(db: Db, { domain, after, dropped }: Range) {
  return db
    .selectFrom('followings')
    .crossJoin('entries')
    .where('followings.domain', '=', domain)
    .whereRef('entries.audience', '=', 'followings.group_id')
    .where('entries.position', '>', after)
    .whereRef('entries.position', '>', 'followings.since')
    .where((e) => e.or([e('until', 'is', null), e('entries.position', '<=', e.ref('until'))]))
    .where((e) => e.or([e('kind', '!=', 'message'), e('entries.position', '>', dropped)]));
}

export interface Pile {
  readonly count: number;
  /** Characters of payloads. */
  readonly length: number;
  readonly oldest: number | undefined;
  readonly newest: number | undefined;
}

export async function pileOf(db: Db, range: Range): Promise<Pile> {
  const { count, length, oldest, newest } = await inGroups(db, range)
    .select((e) => [
      e.fn.countAll<number>().as('count'),
      e.fn.min('entries.position').as('oldest'),
      e.fn.max('entries.position').as('newest'),
    ])
    // A sum of bigint is numeric in PostgreSQL, which comes as text.
    .select(sql<number | string>`coalesce(sum(octet_length(payload)), 0)`.as('length'))
    .executeTakeFirstOrThrow();
  return { count: Number(count), length: Number(length), oldest: oldest ?? undefined, newest: newest ?? undefined };
}

/** When the oldest of it was taken, ms since 1970. */
export async function oldestAt(db: Db, range: Range): Promise<number | undefined> {
  const row = await inGroups(db, range).select('at').orderBy('entries.position').limit(1).executeTakeFirst();
  return row?.at;
}

export interface WaitingMessage {
  readonly position: number;
  readonly conversation: RoomId;
  readonly device: DeviceId | null;
  readonly id: string | null;
  readonly at: number;
  readonly length: number;
  readonly group: GroupId;
}

/** The oldest application messages that wait. */
export function oldestMessages(db: Db, range: Range, limit: number): Promise<WaitingMessage[]> {
  return inGroups(db, range)
    .where('kind', '=', 'message')
    .select(['entries.position', 'followings.conversation_id as conversation', 'followings.group_id as group'])
    .select(['sender as device', 'id', 'at', sql<number>`octet_length(payload)`.as('length')])
    .orderBy('entries.position')
    .limit(limit)
    .execute();
}
