/** What is uploaded beside a commit: the GroupInfo of the epoch that it makes, and the Welcome (RFC 9420, sections 12.4.3 and 12.4.3.1). */
import {
  type CiphersuiteImpl,
  decode,
  defaultExtensionTypes,
  encode,
  type GroupContext,
  type GroupInfo,
  type LeafNode,
  type Welcome,
} from 'ts-mls';
import { varLenDataDecoder, varLenDataEncoder } from 'ts-mls/internal/codec/variableLength.js';
import { groupContextEncoder } from 'ts-mls/internal/groupContext.js';
import { verifyGroupInfoSignature } from 'ts-mls/internal/groupInfo.js';
import { makeKeyPackageRef } from 'ts-mls/internal/keyPackage.js';
import { HawserError } from '#signalling/errors.ts';
import { bytesKey, sameBytes } from './bytes.ts';
import { checkEncryptionKey } from './leaf.ts';
import { identityOf, type Member } from './members.ts';
import type { Added } from './public-commit.ts';

export interface Joined extends Member {
  /** The KeyPackageRef under which the Welcome addresses the device; undefined where it joined by itself. */
  readonly reference: Uint8Array | undefined;
}

export function refuseGroupInfo(detail: string): never {
  throw new HawserError('MLS_GROUP_INFO_REFUSED', detail);
}

/**
 * That a GroupInfo is of the epoch that a commit makes, and by the same hand.
 * @throws {HawserError} MLS_GROUP_INFO_REFUSED
 */
export function checkSameEpoch(groupInfo: GroupInfo, context: GroupContext, tag: Uint8Array, committer: number): void {
  const wanted = encode(groupContextEncoder, context);
  if (!sameBytes(encode(groupContextEncoder, groupInfo.groupContext), wanted)) {
    refuseGroupInfo('it is of another state than the commit makes');
  }
  if (!sameBytes(groupInfo.confirmationTag, tag)) refuseGroupInfo('it has another confirmation tag than the commit');
  if (groupInfo.signer !== committer) refuseGroupInfo('somebody else signed it than the committer');
}

/**
 * That a device can join by a GroupInfo, and that the leaf signed it. Nobody but a member can tell whether the key in it is the right one.
 * @throws {HawserError} MLS_GROUP_INFO_REFUSED, MLS_REFUSED
 */
export async function checkGroupInfo(
  groupInfo: GroupInfo,
  { signaturePublicKey }: LeafNode,
  { signature }: CiphersuiteImpl,
): Promise<void> {
  const [first, ...others] = groupInfo.extensions;
  if (first?.extensionType !== defaultExtensionTypes.external_pub || others.length > 0) {
    refuseGroupInfo('it has other extensions than external_pub');
  }
  const key = keyIn(first.extensionData) ?? refuseGroupInfo('external_pub holds no key');
  checkEncryptionKey(key);
  const signed = await verifyGroupInfoSignature(groupInfo, signaturePublicKey, signature).catch(() => false);
  if (!signed) refuseGroupInfo('its signature is wrong');
}

/** RFC 9420, section 12.4.3.2: the key has a length of its own inside the extension. */
function keyIn(data: Uint8Array): Uint8Array | undefined {
  try {
    const key = decode(varLenDataDecoder, data);
    return key !== undefined && sameBytes(encode(varLenDataEncoder, key), data) ? key : undefined;
  } catch {
    return undefined;
  }
}

/**
 * That the Welcome addresses the added devices, each once, and nobody else. What it says to them is for them to check.
 * @throws {HawserError} MLS_WELCOME_REFUSED
 */
export async function checkWelcome(
  welcome: Welcome | undefined,
  added: readonly Added[],
  { hash }: CiphersuiteImpl,
): Promise<Joined[]> {
  const addressed = new Set(welcome?.secrets.map(({ newMember }) => bytesKey(newMember)));
  const isOnce = addressed.size === (welcome?.secrets.length ?? 0);
  if (!isOnce || addressed.size !== added.length || (welcome !== undefined && added.length === 0)) {
    throw new HawserError('MLS_WELCOME_REFUSED', `it addresses ${addressed.size} devices, of ${added.length} added`);
  }
  return Promise.all(
    added.map(async ({ leafIndex, keyPackage }) => {
      const reference = await makeKeyPackageRef(keyPackage, hash);
      if (!addressed.has(bytesKey(reference)))
        throw new HawserError('MLS_WELCOME_REFUSED', 'an added device is missing');
      return { leafIndex, identity: identityOf(keyPackage.leafNode), reference };
    }),
  );
}
