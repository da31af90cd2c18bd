/** SFrame on the cryptography of Node, which answers at once. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { bigEndian, type Cipher, concat, type Engine } from './frame-key.ts';
import type { Suite } from './suite.ts';

const BLOCK_BYTES = 16;

export const nodeEngine: Engine = {
  hkdf: async (hash, secret, info, length) => new Uint8Array(hkdfSync(hash, secret, new Uint8Array(), info, length)),
  cipher: async (suite, key) => (suite.mode === 'gcm' ? gcm(suite, key.slice()) : ctrHmac(suite, key.slice())),
};

function gcm(suite: Suite, key: Uint8Array): Cipher {
  const name = suite.cipherKey === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
  const options = { authTagLength: suite.tag };
  return {
    async seal(nonce, aad, plaintext) {
      const cipher = createCipheriv(name, key, nonce, options);
      cipher.setAAD(concat(...aad));
      return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
    },
    async open(nonce, aad, sealed) {
      if (sealed.length < suite.tag) return undefined;
      const decipher = createDecipheriv(name, key, nonce, options);
      const end = sealed.length - suite.tag;
      decipher.setAAD(concat(...aad)).setAuthTag(sealed.subarray(end));
      const plaintext = decipher.update(sealed.subarray(0, end));
      try {
        return concat(plaintext, decipher.final());
      } catch {
        // It throws for nothing but a tag that does not fit.
        return undefined;
      }
    },
  };
}

/** RFC 9605, section 4.5.1. */
function ctrHmac(suite: Suite, raw: Uint8Array): Cipher {
  const [key, mac] = [raw.subarray(0, suite.cipherKey), raw.subarray(suite.cipherKey)];
  // Encrypting and decrypting is the same.
  const stream = (nonce: Uint8Array, bytes: Uint8Array) => {
    const cipher = createCipheriv('aes-128-ctr', key, concat(nonce, new Uint8Array(BLOCK_BYTES - nonce.length)));
    return concat(cipher.update(bytes), cipher.final());
  };
  const tagOf = (nonce: Uint8Array, aad: readonly Uint8Array[], ciphertext: Uint8Array) => {
    const all = concat(...aad);
    const lengths = [all.length, ciphertext.length, suite.tag].map((length) => bigEndian(BigInt(length), 8));
    const whole = createHmac(suite.hash, mac).update(concat(...lengths, nonce, all, ciphertext));
    return whole.digest().subarray(0, suite.tag);
  };
  return {
    async seal(nonce, aad, plaintext) {
      const ciphertext = stream(nonce, plaintext);
      return concat(ciphertext, tagOf(nonce, aad, ciphertext));
    },
    async open(nonce, aad, sealed) {
      if (sealed.length < suite.tag) return undefined;
      const ciphertext = sealed.subarray(0, sealed.length - suite.tag);
      const isGood = timingSafeEqual(tagOf(nonce, aad, ciphertext), sealed.subarray(ciphertext.length));
      return isGood ? stream(nonce, ciphertext) : undefined;
    },
  };
}
