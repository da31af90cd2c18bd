/** Node's own cryptography for the groups of which this homeserver is the hub; see `mls/engine.ts` for what it has to do and why. */
import { createPublicKey, diffieHellman, generateKeyPairSync, hash, type KeyObject, verify } from 'node:crypto';
import type { Engine } from '#mls/engine.ts';

/** RFC 8410, section 4: what stands before the 32 bytes of a public key. */
const ED25519 = Buffer.from('302a300506032b6570032100', 'hex');
const X25519 = Buffer.from('302a300506032b656e032100', 'hex');

/** Its only use is to try other keys with it. */
const { privateKey: trial } = generateKeyPairSync('x25519');

export const nodeEngine: Engine = {
  // A Uint8Array of its own and no Buffer, whose `slice` shares memory.
  digest: (data) => new Uint8Array(hash('sha256', data, 'buffer')),
  verify: (publicKey, message, signature) =>
    publicKey.length === 32 && works(() => verify(null, message, keyOf(ED25519, publicKey), signature)),
  agrees: (publicKey) =>
    publicKey.length === 32 &&
    works(() => diffieHellman({ privateKey: trial, publicKey: keyOf(X25519, publicKey) }).some((byte) => byte !== 0)),
};

function keyOf(header: Buffer, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([header, raw]), format: 'der', type: 'spki' });
}

/** What is no key makes OpenSSL throw. */
function works(test: () => boolean): boolean {
  try {
    return test();
  } catch {
    return false;
  }
}
