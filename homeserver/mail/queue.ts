/** E-mail that waits, as rows: written in the transaction of what it is about, gone when it is sent or of no use any more. */
import type { UserId } from '#signalling/ids.ts';
import type { EmailAddress } from '#signalling/person.ts';
import type { Db } from '../store/store.ts';
import type { MailRow } from '../store/tables.ts';
import { randomToken, type World } from '../world.ts';
import type { Letter } from './letters.ts';
import { seal, unseal } from './seal.ts';

export interface Envelope extends Letter {
  readonly to: EmailAddress;
}

/** Enough for an organisation of some thousand people that all register in one hour; beyond it somebody plays. */
export const MAX_WAITING = 10_000;

const ID_BYTES = 12;

export interface NewMail {
  /** Undefined for an e-mail that nobody is sent: it costs what a real one costs, so that the time of an answer tells nothing. */
  readonly to: EmailAddress | undefined;
  readonly letter: Letter;
  /** Whose account it is about, or who sends it: with the account it goes too. Undefined where it is nobody's. */
  readonly owner: UserId | undefined;
  /** How long it is of use, ms. */
  readonly lifeMs: number;
}

/** False where the queue is full; whether that matters is the caller's to say. */
export async function enqueueMail(tx: Db, key: Buffer, mail: NewMail, world: World): Promise<boolean> {
  const { n } = await tx
    .selectFrom('mail_queue')
    .select((e) => e.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  if (Number(n) >= MAX_WAITING) return false;
  const { to, letter, owner, lifeMs } = mail;
  const now = world.now();
  await tx
    .insertInto('mail_queue')
    .values({
      id: randomToken(world, ID_BYTES),
      sealed: seal(key, JSON.stringify({ ...letter, ...(to && { to }) }), world),
      user_id: owner ?? null,
      attempts: 0,
      next_at: now,
      created_at: now,
      expires_at: now + lifeMs,
    })
    .execute();
  return true;
}

/** Those whose time has come, the oldest first. */
export function dueMails(db: Db, now: number, limit: number): Promise<MailRow[]> {
  return db
    .selectFrom('mail_queue')
    .selectAll()
    .where('next_at', '<=', now)
    .orderBy('next_at')
    .orderBy('created_at')
    .limit(limit)
    .execute();
}

/**
 * Takes a row for a while, so that no other process sends it too; false where one was quicker. Whoever takes it and dies
 * leaves it for the next attempt.
 */
export async function claimMail(db: Db, { id, next_at, attempts }: MailRow, until: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('mail_queue')
    .set({ next_at: until, attempts: attempts + 1 })
    .where('id', '=', id)
    .where('next_at', '=', next_at)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

export async function postponeMail(db: Db, id: string, until: number): Promise<void> {
  await db.updateTable('mail_queue').set({ next_at: until }).where('id', '=', id).execute();
}

export async function dropMail(db: Db, id: string): Promise<void> {
  await db.deleteFrom('mail_queue').where('id', '=', id).execute();
}

export async function countMails(db: Db): Promise<number> {
  const { n } = await db
    .selectFrom('mail_queue')
    .select((e) => e.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(n);
}

/** When the oldest that waits was written, ms since 1970; undefined where none does. */
export async function oldestMail(db: Db): Promise<number | undefined> {
  const { oldest } = await db
    .selectFrom('mail_queue')
    .select((e) => e.fn.min('created_at').as('oldest'))
    .executeTakeFirstOrThrow();
  return oldest === null ? undefined : Number(oldest);
}

/** `unreadable` where the key of the site has changed since; `nobody` for one that only took the time of one. */
export function envelopeOf(key: Buffer, { sealed }: MailRow): Envelope | 'unreadable' | 'nobody' {
  const text = unseal(key, sealed);
  if (text === undefined) return 'unreadable';
  const { to, subject, text: body } = JSON.parse(text) as Partial<Envelope> & Letter;
  return to === undefined ? 'nobody' : { to, subject, text: body };
}
