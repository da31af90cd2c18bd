/** The members of a group, from its tree. */
import type { LeafNode, RatchetTree } from 'ts-mls';
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId } from '#signalling/ids.ts';
import { bytesKey } from './bytes.ts';
import { readDeviceCertificate } from './device-certificate.ts';
import { type Identity, identityIn } from './identity.ts';
import { certificatesIn, leavesOf } from './wire.ts';

export interface Member {
  readonly leafIndex: number;
  readonly identity: Identity;
}

/** Leaves are immutable and shared from epoch to epoch, and a new leaf mostly has the certificate of the old one: each is read once. */
const known = new WeakMap<LeafNode, Identity>();
const byCertificate = new Map<string, Identity>();
/** Four groups of the largest size. */
const MAX_KNOWN = 4096;

/**
 * Whose leaf it is, by the certificate in it. A leaf of the own tree was verified when it came in; of any other, this is a claim.
 * @throws {HawserError} MLS_CREDENTIAL_REFUSED where it is no leaf of a device
 */
export function identityOf(leaf: LeafNode): Identity {
  const before = known.get(leaf);
  if (before !== undefined) return before;
  const [certificate] = certificatesIn(leaf);
  if (certificate === undefined) throw new HawserError('MLS_CREDENTIAL_REFUSED', 'there is no certificate');
  const key = bytesKey(certificate);
  const identity = byCertificate.get(key) ?? identityIn(readDeviceCertificate(certificate));
  if (byCertificate.size >= MAX_KNOWN) byCertificate.clear();
  byCertificate.set(key, identity);
  known.set(leaf, identity);
  return identity;
}

/** Whose leaf it is, from whoever read its certificate before and kept the result beside it. */
export function rememberIdentity(leaf: LeafNode, identity: Identity): void {
  known.set(leaf, identity);
}

/** From left to right. */
export function membersOf(tree: RatchetTree): Member[] {
  return leavesOf(tree).map(({ leafIndex, leaf }) => ({ leafIndex, identity: identityOf(leaf) }));
}

/** @throws {HawserError} MLS_REFUSED where a device would be in the group twice: one could not be told from the other */
export function checkDevicesOnce(devices: readonly DeviceId[]): void {
  if (new Set(devices).size !== devices.length) throw new HawserError('MLS_REFUSED', 'a device is in the group twice');
}
