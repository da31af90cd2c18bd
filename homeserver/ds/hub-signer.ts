/** The key with which this hub proposes to groups, in a file of its own: made at the first start, and in every group from then on. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { HubSigner } from '#mls/public-proposal.ts';
import { replaceFile } from '#trust/replace.ts';

/** SPKI of Ed25519: 12 bytes of header (RFC 8410, section 4). */
const SPKI_HEADER = 12;

export interface PublicSigner extends HubSigner {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

/** @throws where the file is there and holds no Ed25519 key */
export async function openHubSigner(path: string): Promise<PublicSigner> {
  const pem = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  const key = pem === undefined ? await make(path) : createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${path} holds no Ed25519 key`);
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI_HEADER)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

async function make(path: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await replaceFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  return privateKey;
}
