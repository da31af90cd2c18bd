/**
 * What every new leaf must be able to do (RFC 9420, section 7.3). One leaf that cannot is enough to stop a group: from then on no member
 * can encrypt to it, or bring the credential that it does not know, and so nobody can commit.
 */
import type { LeafNode } from 'ts-mls';
import { HawserError } from '#signalling/errors.ts';
import { sameBytes } from './bytes.ts';
import { checkParticipant } from './participant.ts';
import { CAPABILITIES } from './suite.ts';

/** @throws {HawserError} MLS_REFUSED */
export function checkLeafNode(leaf: LeafNode): void {
  const { capabilities, hpkePublicKey } = leaf;
  const { versions, ciphersuites, credentials } = capabilities;
  const knows =
    CAPABILITIES.versions.every((each) => versions.includes(each)) &&
    CAPABILITIES.ciphersuites.every((each) => ciphersuites.includes(each)) &&
    CAPABILITIES.credentials.every((each) => credentials.includes(each));
  if (!knows) throw new HawserError('MLS_REFUSED', 'the capabilities of a leaf are too few');
  checkParticipant(leaf);
  checkEncryptionKey(hpkePublicKey);
}

/**
 * A key of the wrong length cannot be imported; one of low order can, and gives the secret zero with every key, so that encrypting to it
 * fails (RFC 7748, section 6.1; RFC 9180, section 7.1.4).
 * @throws {HawserError} MLS_REFUSED
 */
export function checkEncryptionKey(key: Uint8Array): void {
  const point = key.slice();
  // RFC 7748, section 5: the highest bit is not part of the number.
  point[31] = (point[31] ?? 0) & 0x7f;
  if (key.length !== 32 || LOW_ORDER.some((each) => sameBytes(each, point))) {
    throw new HawserError('MLS_REFUSED', 'nobody can encrypt to a key');
  }
}

/** All points of low order of Curve25519, little endian: 0, 1, p - 1, p, p + 1, and two of order 8 (https://cr.yp.to/ecdh.html). */
const LOW_ORDER: readonly Uint8Array[] = [
  new Uint8Array(32),
  Uint8Array.of(1, ...new Uint8Array(31)),
  ...[0xec, 0xed, 0xee].map((first) => Uint8Array.of(first, ...new Uint8Array(30).fill(0xff), 0x7f)),
  Uint8Array.of(
    ...[0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a],
    ...[0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00],
  ),
  Uint8Array.of(
    ...[0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b],
    ...[0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57],
  ),
];
