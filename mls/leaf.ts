/**
 * What every new leaf must be able to do (RFC 9420, section 7.3). One leaf that cannot is enough to stop a group: from then on no member
 * can encrypt to it, or bring the credential that it does not know, and so nobody can commit.
 */
import type { LeafNode } from 'ts-mls';
import { HawserError } from '#signalling/errors.ts';
import type { Engine } from './engine.ts';
import { CAPABILITIES, cipherSuite } from './suite.ts';

/** @throws {HawserError} MLS_REFUSED */
export async function checkLeafNode({ capabilities, hpkePublicKey }: LeafNode, engine?: Engine): Promise<void> {
  const { versions, ciphersuites, credentials } = capabilities;
  const knows =
    CAPABILITIES.versions.every((each) => versions.includes(each)) &&
    CAPABILITIES.ciphersuites.every((each) => ciphersuites.includes(each)) &&
    CAPABILITIES.credentials.every((each) => credentials.includes(each));
  if (!knows) throw new HawserError('MLS_REFUSED', 'the capabilities of a leaf are too few');
  await checkEncryptionKey(hpkePublicKey, engine);
}

/**
 * By encrypting to it: a key of the wrong length cannot be imported, and one of low order (RFC 7748, section 6.1) can, and fails then.
 * @throws {HawserError} MLS_REFUSED
 */
export async function checkEncryptionKey(key: Uint8Array, engine?: Engine): Promise<void> {
  const works = engine === undefined ? await encryptsTo(key) : engine.agrees(key);
  if (!works) throw new HawserError('MLS_REFUSED', 'nobody can encrypt to a key');
}

async function encryptsTo(key: Uint8Array): Promise<boolean> {
  const { hpke } = await cipherSuite();
  const none = new Uint8Array();
  return hpke
    .importPublicKey(key)
    .then((imported) => hpke.seal(imported, none, none))
    .then(
      () => true,
      () => false,
    );
}
