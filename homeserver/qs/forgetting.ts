/** What everybody has is not kept: by devices, and by domains that follow a group, which are readers like devices. */
import { type RawBuilder, sql } from 'kysely';
import type { GroupId } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import { type Audience, isGroup } from './queue-table.ts';

/** Positions up to which nothing is needed any more, for what is not a message and for messages; null where nobody needs any. */
interface Had {
  readonly all: number | null;
  readonly messages: number | null;
}

/**
 * Forgets entries of some audiences that every device of it has, and every domain that follows it; and which device is out and has all up
 * to that point. Whoever is out and never comes for the rest keeps that rest, and nothing of what came later.
 * @param audiences some dozens: it is one transaction, for which others wait
 */
export async function forget(tx: Db, audiences: readonly Audience[]): Promise<void> {
  await forgetStays(tx, audiences);
  const groups = audiences.filter(isGroup);
  const near = await devicesHave(tx, audiences);
  const far = await domainsHave(tx, groups);
  const isLeft = await withDevicesOut(tx, audiences);
  const isFarLeft = await withDomainsOut(tx, groups);
  for (const audience of audiences) {
    const { all, messages } = least(near.get(audience), far.get(audience));
    const forgetting = tx
      .deleteFrom('entries')
      .where('audience', '=', audience)
      .where((e) =>
        e.or([
          e('position', '<=', all ?? Number.MAX_SAFE_INTEGER),
          e.and([e('kind', '=', 'message'), e('position', '<=', messages ?? Number.MAX_SAFE_INTEGER)]),
        ]),
      )
      .$if(isLeft.has(audience), (some) => some.where((e) => e.not(e.exists(waitedForByDevices(tx, audience)))))
      .$if(isFarLeft.has(audience), (some) => some.where((e) => e.not(e.exists(waitedForByDomains(tx, audience)))));
    await forgetting.execute();
  }
}

async function forgetStays(tx: Db, audiences: readonly Audience[]): Promise<void> {
  await tx
    .deleteFrom('subscriptions')
    .where('audience', 'in', audiences)
    .where('until', 'is not', null)
    .where('device_id', 'in', (e) =>
      e.selectFrom('queues').select('device_id').whereRef('queues.acknowledged', '>=', 'subscriptions.until'),
    )
    .execute();
}

const NOTHING: Had = { all: null, messages: null };

function least(one = NOTHING, other = NOTHING): Had {
  const lower = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : Math.min(a, b));
  return { all: lower(one.all, other.all), messages: lower(one.messages, other.messages) };
}

/** Messages that were dropped for a device are not waited for, commits are. */
async function devicesHave(tx: Db, audiences: readonly Audience[]): Promise<Map<Audience, Had>> {
  const rows = await tx
    .selectFrom('subscriptions')
    .innerJoin('queues', 'queues.device_id', 'subscriptions.device_id')
    .where('audience', 'in', audiences)
    .where('until', 'is', null)
    .groupBy('audience')
    .select((e) => [
      'audience',
      e.fn.min(has(sql`acknowledged`)).as('all'),
      e.fn.min(has(sql`case when dropped > acknowledged then dropped else acknowledged end`)).as('messages'),
    ])
    .execute();
  return new Map(rows.map(({ audience, ...had }) => [audience, had]));
}

/** A domain that was never heard of has nothing yet. */
const ACKNOWLEDGED = sql`coalesce(acknowledged, 0)`;
const DROPPED = sql`coalesce(dropped, 0)`;

async function domainsHave(tx: Db, groups: readonly GroupId[]): Promise<Map<Audience, Had>> {
  if (groups.length === 0) return new Map();
  const rows = await tx
    .selectFrom('followings')
    .leftJoin('feeds', 'feeds.domain', 'followings.domain')
    .where('followings.group_id', 'in', groups)
    .where('until', 'is', null)
    .groupBy('followings.group_id')
    .select((e) => [
      'followings.group_id as group',
      e.fn.min(has(ACKNOWLEDGED)).as('all'),
      e.fn
        .min(has(sql`case when ${DROPPED} > ${ACKNOWLEDGED} then ${DROPPED} else ${ACKNOWLEDGED} end`))
        .as('messages'),
    ])
    .execute();
  return new Map(rows.map(({ group, ...had }) => [group, had]));
}

/** Up to where a reader needs nothing any more: what came before its time it never needed. */
function has(position: RawBuilder<unknown>) {
  return sql<number>`case when since > ${position} then since else ${position} end`;
}

async function withDevicesOut(tx: Db, audiences: readonly Audience[]): Promise<Set<Audience>> {
  const rows = await tx
    .selectFrom('subscriptions')
    .select('audience')
    .distinct()
    .where('audience', 'in', audiences)
    .where('until', 'is not', null)
    .execute();
  return new Set(rows.map(({ audience }) => audience));
}

async function withDomainsOut(tx: Db, groups: readonly GroupId[]): Promise<Set<Audience>> {
  if (groups.length === 0) return new Set();
  const rows = await tx
    .selectFrom('followings')
    .select('group_id')
    .distinct()
    .where('group_id', 'in', groups)
    .where('until', 'is not', null)
    .execute();
  return new Set(rows.map((row) => row.group_id));
}

/** Devices that are out and wait for the entry that is looked at: part of a statement about `entries`. */
function waitedForByDevices(tx: Db, audience: Audience) {
  return tx
    .selectFrom('subscriptions')
    .innerJoin('queues', 'queues.device_id', 'subscriptions.device_id')
    .select('subscriptions.device_id')
    .where('subscriptions.audience', '=', audience)
    .where('until', 'is not', null)
    .where(sql<boolean>`entries.position <= until and entries.position > since and entries.position > acknowledged`)
    .where(sql<boolean>`(entries.kind <> 'message' or entries.position > dropped)`);
}

/** The same of domains. */
function waitedForByDomains(tx: Db, audience: Audience) {
  return tx
    .selectFrom('followings')
    .leftJoin('feeds', 'feeds.domain', 'followings.domain')
    .select('followings.domain')
    .where('followings.group_id', '=', audience as GroupId)
    .where('until', 'is not', null)
    .where(sql<boolean>`entries.position <= until and entries.position > since`)
    .where(sql<boolean>`entries.position > ${ACKNOWLEDGED}`)
    .where(sql<boolean>`(entries.kind <> 'message' or entries.position > ${DROPPED})`);
}
