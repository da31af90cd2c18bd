/** Links by which those who moderate a call invite to it, in the database. Of what is in a link only the hash is here. */
import { createHash } from 'node:crypto';
import { HawserError } from '#signalling/errors.ts';
import { GUEST_MS, type GuestLinks, MAX_GUEST_LINKS, type MadeGuestLink } from '#signalling/guests.ts';
import type { ConferenceId, UserId } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import { randomToken, type World } from '../world.ts';

/** 192 bits: nobody guesses one, so a plain SHA-256 is enough to store them. */
const TOKEN_BYTES = 24;
const ID_BYTES = 16;

export interface GuestLink {
  readonly conference: ConferenceId;
  readonly by: UserId;
}

/** In a transaction. @throws HawserError HOME_NO_CALL, HOME_TOO_MANY_GUEST_LINKS */
export async function makeGuestLink(tx: Db, { conference, by }: GuestLink, world: World): Promise<MadeGuestLink> {
  const call = await tx
    .selectFrom('calls')
    .select('conference')
    .where('conference', '=', conference)
    .executeTakeFirst();
  if (!call) throw new HawserError('HOME_NO_CALL');
  const now = world.now();
  const { n } = await tx
    .selectFrom('guest_links')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('conference', '=', conference)
    .where('expires_at', '>', now)
    .executeTakeFirstOrThrow();
  if (Number(n) >= MAX_GUEST_LINKS) throw new HawserError('HOME_TOO_MANY_GUEST_LINKS');
  const [id, token] = [randomToken(world, ID_BYTES), randomToken(world, TOKEN_BYTES)];
  const expiresAt = now + GUEST_MS;
  await tx
    .insertInto('guest_links')
    .values({ id, hash: hashOf(token), conference, made_by: by, created_at: now, expires_at: expiresAt })
    .execute();
  return { id, token, expiresAt };
}

/** Those of one person to one call that are good, oldest first. */
export async function guestLinksOf(db: Db, { conference, by }: GuestLink, now: number): Promise<GuestLinks['links']> {
  const rows = await db
    .selectFrom('guest_links')
    .select(['id', 'created_at', 'expires_at'])
    .where('conference', '=', conference)
    .where('made_by', '=', by)
    .where('expires_at', '>', now)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(({ id, created_at, expires_at }) => ({
    ...{ id, createdAt: Number(created_at), expiresAt: Number(expires_at) },
  }));
}

/** @throws HawserError HOME_NOT_FOUND where it is no link of that person to that call */
export async function takeBackGuestLink(db: Db, id: string, { conference, by }: GuestLink): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('guest_links')
    .where('id', '=', id)
    .where('conference', '=', conference)
    .where('made_by', '=', by)
    .executeTakeFirstOrThrow();
  if (numDeletedRows !== 1n) throw new HawserError('HOME_NOT_FOUND');
}

/** Where the link that a token is of leads; undefined where it is of none, or of one that is over. */
export async function findGuestLink(db: Db, token: string, now: number): Promise<GuestLink | undefined> {
  const row = await db
    .selectFrom('guest_links')
    .select(['conference', 'made_by'])
    .where('hash', '=', hashOf(token))
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row && { conference: row.conference, by: row.made_by };
}

export async function sweepGuestLinks(db: Db, now: number): Promise<void> {
  await db.deleteFrom('guest_links').where('expires_at', '<=', now).execute();
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
