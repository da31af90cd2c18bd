/**
 * The key with which this hub proposes to groups. It stands in every group from its begin, so that it is made once and kept in
 * the database, with the groups: a hub that was restored without it could take nobody out of them. Whoever has it can do no
 * more than the database lets him do anyway, which is to propose removals.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { HubSigner } from '#mls/public-proposal.ts';
import type { Db } from '../store/store.ts';

/** SPKI of Ed25519: 12 bytes of header (RFC 8410, section 4). */
const SPKI_HEADER = 12;

export interface PublicSigner extends HubSigner {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

export async function openHubSigner(db: Db): Promise<PublicSigner> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const fresh = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64url');
  await db
    .insertInto('properties')
    .values({ name: 'hub', value: fresh })
    .onConflict((c) => c.column('name').doNothing())
    .execute();
  const { value } = await db
    .selectFrom('properties')
    .select('value')
    .where('name', '=', 'hub')
    .executeTakeFirstOrThrow();
  const key = createPrivateKey({ key: Buffer.from(value, 'base64url'), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI_HEADER)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}
