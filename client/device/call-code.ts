/**
 * The code of a call, which people read to each other: the same for all who have the same keys. It is made of the epoch authenticator of the call's
 * group (RFC 9420, section 8.7), and another one in each epoch. Somebody between two halves of a call, who has made a group with each of them, can
 * make many epochs on either side until two have the same code. With 20 digits that takes him some 2^33 tries a side, each of which costs as
 * many hashes as `ROUNDS` says. Pure.
 */

const DIGITS = 20;
const GROUP = 4;
/** Some 5 ms. */
const ROUNDS = 10_000;
const SALT = new TextEncoder().encode('hawser call code 1');

/** Five groups of four digits, with a space between. */
export async function callCodeOf(epochAuthenticator: Uint8Array): Promise<string> {
  const key = await crypto.subtle.importKey('raw', epochAuthenticator.slice(), 'PBKDF2', false, ['deriveBits']);
  const derivation = { name: 'PBKDF2', hash: 'SHA-256', salt: SALT, iterations: ROUNDS };
  const bytes = new Uint8Array(await crypto.subtle.deriveBits(derivation, key, 256));
  const number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) % 10n ** BigInt(DIGITS);
  const digits = `${number}`.padStart(DIGITS, '0');
  return digits.match(new RegExp(`.{${GROUP}}`, 'g'))?.join(' ') ?? digits;
}
