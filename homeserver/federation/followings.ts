/**
 * Which entries of this hub's queue another domain gets, in the database. A domain may follow a group several times, one stay after the
 * other: what waits for it of the time before it was out is not forgotten when it comes back.
 */
import type { DeviceId, DomainName, GroupId, RoomId } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';

/** What a domain is told of its own devices with an entry. */
export interface Moves {
  /** In the group from this entry on. */
  readonly joined?: readonly DeviceId[];
  /** base64url; for those who joined by it. */
  readonly welcome?: string;
  /** For them this entry is the last one. */
  readonly left?: readonly DeviceId[];
}

export interface Following {
  readonly domain: DomainName;
  readonly group: GroupId;
  readonly conversation: RoomId;
}

/** Domains that get what goes to a group now. */
export async function followersOf(db: Db, group: GroupId): Promise<Set<DomainName>> {
  const rows = await db
    .selectFrom('followings')
    .select('domain')
    .where('group_id', '=', group)
    .where('until', 'is', null)
    .execute();
  return new Set(rows.map(({ domain }) => domain));
}

/** All that are open, to be held in memory. */
export function openFollowings(db: Db): Promise<{ domain: DomainName; group: GroupId }[]> {
  return db.selectFrom('followings').select(['domain', 'group_id as group']).where('until', 'is', null).execute();
}

/** Lets a domain have what goes to a group behind a position. It must not follow it already. */
export async function follow(tx: Db, { domain, group, conversation }: Following, since: number): Promise<void> {
  await tx
    .insertInto('followings')
    .values({ domain, group_id: group, conversation_id: conversation, since, until: null })
    .onConflict((c) => c.columns(['domain', 'group_id', 'since']).doUpdateSet({ until: null }))
    .execute();
}

/** Ends it at a position, which the domain still gets. */
export async function unfollow(tx: Db, domain: DomainName, group: GroupId, until: number): Promise<void> {
  await tx
    .updateTable('followings')
    .set({ until })
    .where('domain', '=', domain)
    .where('group_id', '=', group)
    .where('until', 'is', null)
    .execute();
}

export async function writeMoves(tx: Db, domain: DomainName, position: number, moves: Moves): Promise<void> {
  await tx
    .insertInto('feed_moves')
    .values({ domain, position, body: JSON.stringify(moves) })
    .execute();
}

export interface Progress {
  readonly domain: DomainName;
  readonly acknowledged: number;
  readonly dropped: number;
}

/** Of every domain that follows anything, or did. */
export async function progressOfAll(db: Db): Promise<Progress[]> {
  const known = await db.selectFrom('feeds').selectAll().execute();
  const here = new Set(known.map(({ domain }) => domain));
  const following = await db.selectFrom('followings').select('domain').distinct().execute();
  const fresh = following.filter(({ domain }) => !here.has(domain));
  return [...known, ...fresh.map(({ domain }) => ({ domain, acknowledged: 0, dropped: 0 }))];
}

/** Writes how far a domain is, which is less than before where it was restored, and forgets what it needed until there. */
export async function storeProgress(tx: Db, { domain, acknowledged, dropped }: Progress): Promise<void> {
  await tx
    .insertInto('feeds')
    .values({ domain, acknowledged, dropped })
    .onConflict((c) => c.column('domain').doUpdateSet({ acknowledged, dropped }))
    .execute();
  await tx.deleteFrom('feed_moves').where('domain', '=', domain).where('position', '<=', acknowledged).execute();
  await tx.deleteFrom('followings').where('domain', '=', domain).where('until', '<=', acknowledged).execute();
}

/**
 * The domain gets nothing any more but the last entry of each stay that is over: by that it learns that its devices are out.
 * @returns the groups that it followed, and the newest entry that is left for it
 */
export async function forgetFollower(
  tx: Db,
  domain: DomainName,
): Promise<{ readonly followed: readonly GroupId[]; readonly newest: number | undefined }> {
  const rows = await tx.selectFrom('followings').selectAll().where('domain', '=', domain).execute();
  const moved = await tx.selectFrom('feed_moves').selectAll().where('domain', '=', domain).execute();
  await tx.deleteFrom('followings').where('domain', '=', domain).execute();
  await tx.deleteFrom('feed_moves').where('domain', '=', domain).execute();
  await tx.deleteFrom('feeds').where('domain', '=', domain).execute();
  const moves = new Map(moved.map(({ position, body }) => [position, (JSON.parse(body) as Moves).left]));
  let newest: number | undefined;
  for (const { group_id: group, conversation_id: conversation, until } of rows) {
    const left = until === null ? undefined : moves.get(until);
    if (until === null || !left) continue;
    await follow(tx, { domain, group, conversation }, until - 1);
    await unfollow(tx, domain, group, until);
    await writeMoves(tx, domain, until, { left });
    newest = Math.max(newest ?? 0, until);
  }
  return { followed: [...new Set(rows.map(({ group_id }) => group_id))], newest };
}
