/**
 * The border: bytes of others, parsed once. What comes out was whole, no larger than its kind may be, and in the one encoding
 * that its content has: bytes that decode to the same content but differ would let two devices disagree about what they saw.
 */
import {
  type CredentialX509,
  contentTypes,
  defaultCredentialTypes,
  encode,
  type GroupInfo,
  type KeyPackage,
  type LeafNode,
  type MlsMessage,
  type MlsPrivateMessage,
  type MlsPublicMessage,
  mlsMessageDecoder,
  mlsMessageEncoder,
  nodeTypes,
  protocolVersions,
  type RatchetTree,
  type Welcome,
  wireformats,
} from 'ts-mls';
import { ratchetTreeDecoder, ratchetTreeEncoder } from 'ts-mls/internal/ratchetTree.js';
import { HawserError } from '#signalling/errors.ts';
import { type GroupId, parseGroupId } from '#signalling/ids.ts';
import { sameBytes, textOf, utf8 } from './bytes.ts';
import { SUITE } from './suite.ts';

/** Bytes. A commit in a group of 1,000 with a flat tree has 82 kB, its tree some 1.3 MB with certificates. */
export const LIMITS = { message: 1024 * 1024, welcome: 4 * 1024 * 1024, tree: 16 * 1024 * 1024 } as const;

export interface Framed {
  readonly message: MlsPublicMessage | MlsPrivateMessage;
  readonly group: GroupId;
  readonly epoch: bigint;
}

function malformed(detail: string, cause?: unknown): never {
  throw new HawserError('MLS_MALFORMED', detail, { cause });
}

function parse<T>(
  bytes: Uint8Array,
  limit: number,
  decoder: (bytes: Uint8Array, offset: number) => [T, number] | undefined,
  encoder: Parameters<typeof encode<T>>[0],
): T {
  if (bytes.length > limit) throw new HawserError('MLS_TOO_LARGE', `${bytes.length} bytes`);
  // A copy: what the library decodes are views, and the bytes are the caller's to change.
  const own = bytes.slice();
  let value: T | undefined;
  let again: Uint8Array;
  try {
    value = decoder(own, 0)?.[0];
    if (value === undefined) malformed('it cannot be decoded');
    again = encode(encoder, value);
  } catch (error) {
    if (error instanceof HawserError) throw error;
    return malformed('it cannot be decoded', error);
  }
  return sameBytes(again, bytes) ? value : malformed('it is not in its one valid encoding');
}

function parseMessage(bytes: Uint8Array, limit: number): MlsMessage {
  return parse(bytes, limit, mlsMessageDecoder, mlsMessageEncoder);
}

/**
 * A message to a group: a commit or proposal as PublicMessage, or application data as PrivateMessage (RFC 9420, section 6).
 *
 * Handshakes travel in the open inside the TLS to the hub, which must read them to order and check them. A handshake as
 * PrivateMessage is refused: a lost one would have used up a key that the next one uses again.
 * @throws {HawserError} MLS_MALFORMED, MLS_TOO_LARGE, MLS_UNSUPPORTED
 */
export function parseFramed(bytes: Uint8Array): Framed {
  const message = parseMessage(bytes, LIMITS.message);
  if (message.wireformat === wireformats.mls_public_message) {
    const { content } = message.publicMessage;
    if (content.contentType === contentTypes.application) unsupported('application data in the open');
    return { message, group: groupIdIn(content.groupId), epoch: content.epoch };
  }
  if (message.wireformat === wireformats.mls_private_message) {
    const { contentType, groupId, epoch } = message.privateMessage;
    if (contentType !== contentTypes.application) unsupported('a handshake that the hub cannot read');
    return { message, group: groupIdIn(groupId), epoch };
  }
  return unsupported('this kind of message is not for a group');
}

/** @throws {HawserError} MLS_MALFORMED, MLS_TOO_LARGE, MLS_UNSUPPORTED */
export function parseWelcome(bytes: Uint8Array): Welcome {
  const message = parseMessage(bytes, LIMITS.welcome);
  if (message.wireformat !== wireformats.mls_welcome) return unsupported('this is no Welcome');
  if (message.welcome.cipherSuite !== SUITE) unsupported('another cipher suite');
  return message.welcome;
}

/** @throws {HawserError} MLS_MALFORMED, MLS_TOO_LARGE, MLS_UNSUPPORTED */
export function parseKeyPackage(bytes: Uint8Array): KeyPackage {
  const message = parseMessage(bytes, LIMITS.message);
  if (message.wireformat !== wireformats.mls_key_package) return unsupported('this is no key package');
  const { version, cipherSuite } = message.keyPackage;
  if (version !== protocolVersions.mls10 || cipherSuite !== SUITE) unsupported('another version or cipher suite');
  return message.keyPackage;
}

/** @throws {HawserError} MLS_MALFORMED, MLS_TOO_LARGE, MLS_UNSUPPORTED */
export function parseGroupInfo(bytes: Uint8Array): GroupInfo {
  const message = parseMessage(bytes, LIMITS.tree);
  if (message.wireformat !== wireformats.mls_group_info) return unsupported('this is no GroupInfo');
  const { version, cipherSuite } = message.groupInfo.groupContext;
  if (version !== protocolVersions.mls10 || cipherSuite !== SUITE) unsupported('another version or cipher suite');
  return message.groupInfo;
}

/** A ratchet tree apart from its GroupInfo (RFC 9420, section 12.4.3.3). @throws {HawserError} MLS_MALFORMED, MLS_TOO_LARGE */
export function parseTree(bytes: Uint8Array): RatchetTree {
  return parse(bytes, LIMITS.tree, ratchetTreeDecoder, ratchetTreeEncoder);
}

/** @throws {HawserError} MLS_UNSUPPORTED where it is none of our ids */
export function groupIdIn(bytes: Uint8Array): GroupId {
  return parseGroupId(textOf(bytes) ?? '') ?? unsupported('the id of the group');
}

export function groupIdBytes(group: GroupId): Uint8Array {
  return utf8(group);
}

export function messageBytes(message: MlsMessage): Uint8Array {
  return encode(mlsMessageEncoder, message);
}

export function treeBytes(tree: RatchetTree): Uint8Array {
  return encode(ratchetTreeEncoder, tree);
}

/** @throws {HawserError} MLS_CREDENTIAL_REFUSED unless the leaf has certificates */
export function certificatesIn(leaf: LeafNode): CredentialX509['certificates'] {
  const { credential } = leaf;
  // A type that is not the library's own has other fields, so that both have to be looked at.
  if (credential.credentialType !== defaultCredentialTypes.x509 || !('certificates' in credential)) {
    throw new HawserError('MLS_CREDENTIAL_REFUSED', 'the credential is not a chain of certificates');
  }
  return credential.certificates;
}

/** The leaf at an index, or undefined where it is blank or outside the tree. */
export function leafAt(tree: RatchetTree, leafIndex: number): LeafNode | undefined {
  const node = tree[leafIndex * 2];
  return node?.nodeType === nodeTypes.leaf ? node.leaf : undefined;
}

export interface Leaf {
  readonly leafIndex: number;
  readonly leaf: LeafNode;
}

/** All members of a tree, from left to right. */
export function leavesOf(tree: RatchetTree): Leaf[] {
  return tree.flatMap((node, index) =>
    node?.nodeType === nodeTypes.leaf ? [{ leafIndex: index / 2, leaf: node.leaf }] : [],
  );
}

function unsupported(detail: string): never {
  throw new HawserError('MLS_UNSUPPORTED', detail);
}
