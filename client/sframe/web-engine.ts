/** SFrame on WebCrypto: in browsers and their workers, and on Node. */
import { bigEndian, type Cipher, concat, type Engine } from './frame-key.ts';
import type { Suite } from './suite.ts';

/** What WebCrypto takes: it refuses bytes that another thread may change meanwhile. */
type Bytes = Uint8Array<ArrayBuffer>;

const { subtle } = globalThis.crypto;
/** Of the counter in a block of AES, behind the nonce. */
const COUNTER_BITS = 32;
const BLOCK_BYTES = 16;

export const webEngine: Engine = {
  async hkdf(hash, secret, info, length) {
    const key = await subtle.importKey('raw', secret as Bytes, 'HKDF', false, ['deriveBits']);
    const of = { name: 'HKDF', hash, salt: new Uint8Array(), info: info as Bytes };
    return new Uint8Array(await subtle.deriveBits(of, key, length * 8));
  },
  cipher: (suite, key) => (suite.mode === 'gcm' ? gcm(suite, key) : ctrHmac(suite, key)),
};

async function gcm(suite: Suite, raw: Uint8Array): Promise<Cipher> {
  const key = await subtle.importKey('raw', raw as Bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
  const of = (nonce: Uint8Array, aad: readonly Uint8Array[]) => ({
    name: 'AES-GCM',
    iv: nonce as Bytes,
    additionalData: concat(...aad) as Bytes,
    tagLength: suite.tag * 8,
  });
  return {
    async seal(nonce, aad, plaintext) {
      return new Uint8Array(await subtle.encrypt(of(nonce, aad), key, plaintext as Bytes));
    },
    async open(nonce, aad, sealed) {
      try {
        return new Uint8Array(await subtle.decrypt(of(nonce, aad), key, sealed as Bytes));
      } catch (error) {
        // Whatever is wrong with the bytes has this one name.
        if (error instanceof DOMException && error.name === 'OperationError') return undefined;
        throw error;
      }
    },
  };
}

/** RFC 9605, section 4.5.1. */
async function ctrHmac(suite: Suite, raw: Uint8Array): Promise<Cipher> {
  const [first, second] = [raw.slice(0, suite.cipherKey), raw.slice(suite.cipherKey)];
  const key = await subtle.importKey('raw', first, 'AES-CTR', false, ['encrypt']);
  const mac = await subtle.importKey('raw', second, { name: 'HMAC', hash: suite.hash }, false, ['sign', 'verify']);
  // Encrypting and decrypting is the same.
  const stream = async (nonce: Uint8Array, bytes: Uint8Array) => {
    const counter = concat(nonce, new Uint8Array(BLOCK_BYTES - nonce.length)) as Bytes;
    return new Uint8Array(
      await subtle.encrypt({ name: 'AES-CTR', counter, length: COUNTER_BITS }, key, bytes as Bytes),
    );
  };
  const tagOf = async (nonce: Uint8Array, aad: readonly Uint8Array[], ciphertext: Uint8Array) => {
    const all = concat(...aad);
    const lengths = [all.length, ciphertext.length, suite.tag].map((length) => bigEndian(BigInt(length), 8));
    const whole = await subtle.sign('HMAC', mac, concat(...lengths, nonce, all, ciphertext) as Bytes);
    return new Uint8Array(whole).subarray(0, suite.tag);
  };
  return {
    async seal(nonce, aad, plaintext) {
      const ciphertext = await stream(nonce, plaintext);
      return concat(ciphertext, await tagOf(nonce, aad, ciphertext));
    },
    async open(nonce, aad, sealed) {
      if (sealed.length < suite.tag) return undefined;
      const ciphertext = sealed.subarray(0, sealed.length - suite.tag);
      const tag = await tagOf(nonce, aad, ciphertext);
      // Each byte is looked at, whichever differs.
      const differs = tag.reduce((sum, byte, at) => sum | (byte ^ (sealed[ciphertext.length + at] ?? 0)), 0);
      return differs === 0 ? stream(nonce, ciphertext) : undefined;
    },
  };
}
