/**
 * Challenges for whoever registers without anybody's invitation. A challenge carries all that the server has to know of it,
 * signed, so that asking for one costs the server nothing that lasts; only one that was solved is remembered.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { HawserError } from '#signalling/errors.ts';
import { leadingZeroBits, workText } from '#signalling/proof-of-work.ts';
import type { Challenge, Work } from '#signalling/registration.ts';
import type { Db } from '../store/store.ts';
import { randomToken, type World } from '../world.ts';

/** Long enough for a slow telephone and a form that is filled in meanwhile. */
export const CHALLENGE_SECONDS = 900;

const NONCE_BYTES = 12;
const FORM = /^([0-9]{1,2})\.([0-9]{10,16})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})$/;

/** @param key `Secrets.work`. @param bits 1 to 32 */
export function issueChallenge(key: Buffer, bits: number, world: World): Challenge {
  const expires = world.now() + CHALLENGE_SECONDS * 1_000;
  const claims = `${bits}.${expires}.${randomToken(world, NONCE_BYTES)}`;
  return { challenge: `${claims}.${sign(key, claims)}`, bits, expiresInSeconds: CHALLENGE_SECONDS };
}

/** When the challenge expires, ms since 1970, if it is ours, current, and solved with at least `bits`; else undefined. */
export function checkWork(key: Buffer, work: Work, bits: number, now: number): number | undefined {
  const [, asked, expires, nonce, signature] = FORM.exec(work.challenge) ?? [];
  if (asked === undefined || expires === undefined || nonce === undefined || signature === undefined) return undefined;
  const expected = Buffer.from(sign(key, `${asked}.${expires}.${nonce}`));
  const given = Buffer.from(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  // A challenge from before the administrator asked for more is too cheap.
  if (Number(asked) < bits || Number(expires) <= now) return undefined;
  const hash = createHash('sha256').update(workText(work.challenge, work.solution)).digest();
  return leadingZeroBits(hash) >= Number(asked) ? Number(expires) : undefined;
}

/** @throws HawserError HOME_WORK_REFUSED where it was used before */
export async function spendWork(db: Db, { challenge }: Work, expires: number): Promise<void> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('spent_challenges')
    .values({ challenge, expires_at: expires })
    .onConflict((c) => c.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) throw new HawserError('HOME_WORK_REFUSED', 'used');
}

export async function sweepSpentWork(db: Db, now: number): Promise<void> {
  await db.deleteFrom('spent_challenges').where('expires_at', '<=', now).execute();
}

function sign(key: Buffer, claims: string): string {
  return createHmac('sha256', key).update(claims).digest('base64url');
}
