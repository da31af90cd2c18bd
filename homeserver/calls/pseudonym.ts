/** The name under which somebody is in a call: a hash that tells neither the SFTs nor the other domains who it is. */
import { createHmac } from 'node:crypto';
import type { ParticipantId, UserId } from '#signalling/ids.ts';

/** 128 bits: two participants of a call never get the same one by chance. */
const BYTES = 16;
export const NONCE_BYTES = 16;
export const SECRET_BYTES = 32;

/**
 * The first 16 bytes of HMAC-SHA-256(secret, user, line feed, nonce), base64url. The secret belongs to one call and to
 * one domain; the nonce to one stay, so that two stays of one person cannot be linked by an SFT either.
 */
export function pseudonymOf(secret: string, user: UserId, nonce: Buffer): ParticipantId {
  const hash = createHmac('sha256', Buffer.from(secret, 'base64url')).update(`${user}\n`).update(nonce).digest();
  return hash.subarray(0, BYTES).toString('base64url') as ParticipantId;
}
