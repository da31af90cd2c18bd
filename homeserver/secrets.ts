/**
 * Keys for what stays on this homeserver, derived from a key file of the site (RFC 5869), so that a copy of the database
 * alone opens nothing. Every process of a site derives the same ones, and there is one file less to keep.
 */
import { hkdfSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';

export interface Secrets {
  /** Under which six-digit codes are hashed: without it a million hashes would tell each of them. */
  readonly codes: Buffer;
  /** Signs challenges of proofs of work. */
  readonly work: Buffer;
  /** Encrypts e-mail that waits: codes stand in there. */
  readonly mail: Buffer;
  /** Encrypts the key that signs wake-ups. */
  readonly push: Buffer;
  /** Encrypts the keys that sign requests to other domains. */
  readonly signing: Buffer;
  /** Names devices towards TURN servers. */
  readonly relays: Buffer;
}

/** @param file of a private key; rejects where it cannot be read */
export async function readSecrets(file: string): Promise<Secrets> {
  return secretsOf(await readFile(file));
}

export function secretsOf(root: Buffer): Secrets {
  const keys = { codes: derive(root, 'codes'), work: derive(root, 'work'), mail: derive(root, 'mail') };
  return { ...keys, push: derive(root, 'push'), signing: derive(root, 'signing'), relays: derive(root, 'relays') };
}

function derive(root: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', root, '', `hawser homeserver 1 ${purpose}`, 32));
}
