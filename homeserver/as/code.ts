/**
 * Six digits that prove who reads an address. There are a million of them, so all of their worth is in the limits: five
 * tries, ten minutes, few codes an hour.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { World } from '../world.ts';

export const CODE_TRIES = 5;
export const CODE_SECONDS = 600;

const DIGITS = 6;
/** Of 2^48 values the last 710,656 favour some codes, by one part in 280 million. */
const RANDOM_BYTES = 6;

export function newCode(world: World): string {
  const number = world.random(RANDOM_BYTES).readUIntBE(0, RANDOM_BYTES) % 10 ** DIGITS;
  return String(number).padStart(DIGITS, '0');
}

/**
 * @param key `Secrets.codes`
 * @param id of what the code confirms: the same code of two people has two hashes
 */
export function hashCode(key: Buffer, id: string, code: string): string {
  return createHmac('sha256', key).update(`${id} ${code}`).digest('base64url');
}

/** In a time that does not depend on how much of the code is right. */
export function isCode(key: Buffer, id: string, code: string, hash: string): boolean {
  const expected = Buffer.from(hash, 'base64url');
  const actual = createHmac('sha256', key).update(`${id} ${code}`).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
