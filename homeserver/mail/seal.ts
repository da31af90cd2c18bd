/** Encrypts what waits in the database and is nobody's business there: AES-256-GCM under a key that is not in it. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { World } from '../world.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @returns base64url of nonce, tag and ciphertext */
export function seal(key: Buffer, text: string, world: World): string {
  // Random nonces: 2^32 of them under one key are safe (NIST SP 800-38D, section 8.3), far more than e-mails.
  const nonce = world.random(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
}

/** Undefined where it was sealed under another key or altered. */
export function unseal(key: Buffer, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
