/**
 * A proof of work after Hashcash: a number whose SHA-256 together with the challenge begins with so many zero bits. To be
 * found by trying, about 2^bits times; to be checked by one hash.
 */

/** What is hashed, as UTF-8. */
export function workText(challenge: string, solution: string): string {
  return `${challenge}:${solution}`;
}

/** How many bits at the beginning of a hash are 0. */
export function leadingZeroBits(hash: Uint8Array): number {
  let bits = 0;
  for (const byte of hash) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24;
    bits += 8;
  }
  return bits;
}
