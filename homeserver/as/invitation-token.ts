/**
 * What an invitation is in writing: 80 random bits in Crockford's base 32, which has no letter that is taken for a digit,
 * in groups of four. People read it to each other and type it.
 */
import { createHash } from 'node:crypto';
import type { World } from '../world.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const SYMBOLS = 16;

/** `7KQF-XM2P-9RTD-WC4H` */
export function newInvitationToken(world: World): string {
  // A byte has eight times as many values as the alphabet, so that each symbol is as likely as the other.
  const symbols = [...world.random(SYMBOLS)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
  return (symbols.match(/.{4}/g) ?? []).join('-');
}

/** However it was typed: SHA-256 of the one spelling; undefined where it cannot be an invitation. */
export function hashInvitationToken(typed: string): string | undefined {
  const symbols = typed.toUpperCase().replaceAll(/[ -]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  if (symbols.length !== SYMBOLS || [...symbols].some((symbol) => !ALPHABET.includes(symbol))) return undefined;
  return createHash('sha256').update(symbols).digest('base64url');
}
