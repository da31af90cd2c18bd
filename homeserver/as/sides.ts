/** The sides of connections in the database: what each person of this domain has decided about others, of whatever domain. */
import { sql } from 'kysely';
import { type DomainName, type UserId, userIdOf } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import { type Side, STRANGERS } from './connection.ts';

export interface Pair {
  /** Of this domain: whose side it is. */
  readonly owner: UserId;
  readonly peer: UserId;
}

export async function sideOf(db: Db, owner: UserId, peer: UserId): Promise<Side> {
  const row = await db
    .selectFrom('connections')
    .select(['decision', 'is_wanted'])
    .where('owner', '=', owner)
    .where('peer', '=', peer)
    .executeTakeFirst();
  return row ? { decision: row.decision, isWanted: row.is_wanted === 1 } : STRANGERS;
}

/** Whether one of the two has blocked the other, as far as it is known here. */
export async function isBlocked(db: Db, one: UserId, other: UserId): Promise<boolean> {
  const sides = [await sideOf(db, one, other), await sideOf(db, other, one)];
  return sides.some(({ decision }) => decision === 'blocked');
}

/** Everybody of this domain who has blocked somebody, whose calls do not ring them therefore. */
export async function blockersOf(db: Db, blocked: UserId): Promise<ReadonlySet<UserId>> {
  const rows = await db
    .selectFrom('connections')
    .select('owner')
    .where('peer', '=', blocked)
    .where('decision', '=', 'blocked')
    .execute();
  return new Set(rows.map(({ owner }) => owner));
}

/** Whether a person has asked somebody of another domain for a connection, which has their name therefore. */
export async function isKnownTo(db: Db, user: UserId, domain: DomainName): Promise<boolean> {
  const row = await db
    .selectFrom('connections')
    .select('peer')
    .where('owner', '=', user)
    .where('decision', '=', 'wanted')
    .where(sql<boolean>`peer like ${`${userIdOf(domain, '')}%`}`)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export async function countSides(tx: Db, owner: UserId): Promise<number> {
  const { n } = await tx
    .selectFrom('connections')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('owner', '=', owner)
    .executeTakeFirstOrThrow();
  return Number(n);
}
