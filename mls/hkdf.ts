/** HKDF with SHA-256 (RFC 5869) on a function for HMAC that answers at once. */
import type { CiphersuiteImpl } from 'ts-mls';

const SIZE = 32;
/** RFC 5869, section 2.3. */
const MAX_BYTES = 255 * SIZE;

/** @param mac HMAC-SHA-256, 32 bytes */
export function hkdf(mac: (key: Uint8Array, data: Uint8Array) => Uint8Array): CiphersuiteImpl['kdf'] {
  return {
    size: SIZE,
    extract: async (salt, secret) => mac(salt.length === 0 ? new Uint8Array(SIZE) : salt, secret),
    expand: async (key, info, length) => {
      if (length > MAX_BYTES) throw new RangeError(`no ${length} bytes from HKDF`);
      const made = new Uint8Array(Math.ceil(length / SIZE) * SIZE);
      let last = new Uint8Array();
      for (let at = 0; at < length; at += SIZE) {
        last = Uint8Array.from(mac(key, Uint8Array.of(...last, ...info, at / SIZE + 1)));
        made.set(last, at);
      }
      return made.slice(0, length);
    },
  };
}
