/** For tests: with what homeservers sign their requests to others, for whoever knocks at a door in the name of one. */
import { generateKeyPairSync, sign } from 'node:crypto';
import type { RequestSigner } from '../federation/signature.ts';
import { SigningKeys } from '../federation/signing-keys.ts';
import { readSecrets } from '../secrets.ts';
import { placeOf } from '../store/place.ts';
import { openStore } from '../store/store.ts';
import { WORLD } from '../world.ts';
import type { Organisation } from './organisation.ts';

/** `key` is what others check with, base64url. */
export interface PublicSigner extends RequestSigner {
  readonly key: string;
}

export function makeSigner(): PublicSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x: key = '' } = publicKey.export({ format: 'jwk' });
  return { key, id: key.slice(0, 16), sign: (bytes) => sign(null, bytes, privateKey) };
}

/** That of a homeserver which does not run at this moment. */
export async function signerOf({ site }: Organisation): Promise<PublicSigner> {
  const { signing: secret } = await readSecrets(site.certificates.tickets.privateKey);
  const store = await openStore(await placeOf(site));
  try {
    const { signer, published } = await SigningKeys.open({ store, secret, world: WORLD });
    return { id: signer.id, sign: (bytes) => signer.sign(bytes), key: published[0]?.key ?? '' };
  } finally {
    await store.close();
  }
}
