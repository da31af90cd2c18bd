/** Node's own cryptography, for homeservers and for programs with the SDK; see `engine.ts` for what it has to do and why. */
import { createHmac, createPublicKey, hash, verify } from 'node:crypto';
import type { Engine } from './engine.ts';

/** RFC 8410, section 4: what stands before the 32 bytes of a public key of Ed25519. */
const HEADER = Buffer.from('302a300506032b6570032100', 'hex');

export const nodeEngine: Engine = {
  // A Uint8Array of its own and no Buffer, whose `slice` shares memory.
  digest: (data) => new Uint8Array(hash('sha256', data, 'buffer')),
  mac: (key, data) => new Uint8Array(createHmac('sha256', key).update(data).digest()),
  verify: (publicKey, message, signature) => {
    if (publicKey.length !== 32) return false;
    try {
      const key = createPublicKey({ key: Buffer.concat([HEADER, publicKey]), format: 'der', type: 'spki' });
      return verify(null, message, key, signature);
    } catch {
      // What is no key makes OpenSSL throw.
      return false;
    }
  },
};
