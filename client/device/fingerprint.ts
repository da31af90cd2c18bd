/** What two people compare to be sure of each other's devices. */
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';

/** Groups of five digits, each of five bytes: 30 digits, some 100 bits, which nobody meets by trying. */
const GROUPS = 6;
const BYTES = 5;

/** By key, since each epoch of a group asks for those of all who are in it. */
const known = new Map<string, Promise<string>>();
/** Four groups of the largest size. */
const MAX_KNOWN = 4096;

/** SHA-256 of a device's Ed25519 key, base64url, as `Device` has it. @param key 32 bytes */
export function fingerprintOf(key: Uint8Array): Promise<string> {
  const name = toBase64Url(key);
  const before = known.get(name);
  if (before !== undefined) return before;
  if (known.size >= MAX_KNOWN) known.clear();
  const made = crypto.subtle.digest('SHA-256', key.slice()).then((hash) => toBase64Url(new Uint8Array(hash)));
  known.set(name, made);
  return made;
}

/** A fingerprint as six groups of five digits; none where it is no fingerprint. */
export function digitsOf(fingerprint: string): readonly string[] {
  const bytes = fromBase64Url(fingerprint);
  if (bytes?.length !== 32) return [];
  return Array.from({ length: GROUPS }, (_, group) => {
    let number = 0;
    for (const byte of bytes.subarray(group * BYTES, (group + 1) * BYTES)) number = number * 256 + byte;
    return String(number % 100_000).padStart(5, '0');
  });
}
