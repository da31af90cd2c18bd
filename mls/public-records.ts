/**
 * The hub's view of a group as records of a database, so that each step writes what it changed: a commit among 500 writes some 3 kB, where
 * the whole tree has 440.
 *
 * | key | value | changes |
 * | --- | --- | --- |
 * | `head` | version, GroupContext, confirmation tag, GroupInfo, pending proposals, number of nodes | at a commit and at a proposal |
 * | `node/<n>` | one node of the tree that is not blank; before a leaf, its device | when a path goes through it |
 *
 * Nothing in them is secret.
 */
import { type Decoder, decode, encode, type Node, nodeTypes, type RatchetTree } from 'ts-mls';
import { uint32Decoder, uint32Encoder } from 'ts-mls/internal/codec/number.js';
import { mapDecoders } from 'ts-mls/internal/codec/tlsDecoder.js';
import { composeBufferEncoders } from 'ts-mls/internal/codec/tlsEncoder.js';
import { varLenDataDecoder, varLenDataEncoder } from 'ts-mls/internal/codec/variableLength.js';
import { groupContextDecoder, groupContextEncoder } from 'ts-mls/internal/groupContext.js';
import { leafNodeDecoder, leafNodeEncoder } from 'ts-mls/internal/leafNode.js';
import { parentNodeDecoder, parentNodeEncoder } from 'ts-mls/internal/parentNode.js';
import { unappliedProposalsDecoder, unappliedProposalsEncoder } from 'ts-mls/internal/unappliedProposals.js';
import { HawserError } from '#signalling/errors.ts';
import { parseDeviceId } from '#signalling/ids.ts';
import { sameBytes, textOf, utf8 } from './bytes.ts';
import type { Engine } from './engine.ts';
import { identityOfDevice } from './identity.ts';
import type { Changes } from './journal.ts';
import { identityOf, rememberIdentity } from './members.ts';
import type { PublicGroup } from './public-group.ts';
import { cipherSuite } from './suite.ts';
import { MAX_WIDTH } from './tree-check.ts';
import { hashTree, rootHash } from './tree-hash.ts';
import { groupIdIn } from './wire.ts';

const VERSION = 1;

/**
 * What has to be written for a state; undefined deletes. All of it or none.
 * @param before what the database holds; nothing for a group that it does not know
 */
export function writePublicGroup(state: PublicGroup, before?: PublicGroup): Changes {
  const changes = new Map<string, Uint8Array | undefined>([['head', headBytes(state)]]);
  const [tree, old] = [state.hashed.tree, before?.hashed.tree ?? []];
  for (let index = 0; index < Math.max(tree.length, old.length); index++) {
    const node = tree[index];
    // By identity: what a commit does not touch is shared from epoch to epoch.
    if (node !== old[index]) changes.set(`node/${index}`, node && nodeBytes(node));
  }
  return changes;
}

/** Records that are read without a pause: some 5 ms. */
const READ_AT_ONCE = 256;

/**
 * @param records all that was written
 * @param pause lets others have their turn, where somebody else is waiting
 * @throws {HawserError} MLS_STATE_UNREADABLE, also where the tree is not the one of the GroupContext
 */
export async function readPublicGroup(
  records: ReadonlyMap<string, Uint8Array>,
  engine?: Engine,
  pause?: () => Promise<unknown>,
): Promise<PublicGroup> {
  try {
    return await read(records, engine, pause);
  } catch (cause) {
    throw new HawserError('MLS_STATE_UNREADABLE', undefined, { cause });
  }
}

const headEncoder = composeBufferEncoders([
  uint32Encoder,
  groupContextEncoder,
  varLenDataEncoder,
  varLenDataEncoder,
  unappliedProposalsEncoder,
  uint32Encoder,
]);

const headDecoder = mapDecoders(
  [uint32Decoder, groupContextDecoder, varLenDataDecoder, varLenDataDecoder, unappliedProposalsDecoder, uint32Decoder],
  (...all) => all,
);

function headBytes({ context, confirmationTag, groupInfo, pending, hashed }: PublicGroup): Uint8Array {
  return encode(headEncoder, [VERSION, context, confirmationTag, groupInfo, pending, hashed.tree.length]);
}

async function read(
  records: ReadonlyMap<string, Uint8Array>,
  engine: Engine | undefined,
  pause: (() => Promise<unknown>) | undefined,
): Promise<PublicGroup> {
  const [version, context, confirmationTag, groupInfo, pending, width] = whole(headDecoder, records.get('head'));
  if (version !== VERSION) throw new Error('another version wrote it');
  if (width > 2 * MAX_WIDTH || (width & (width + 1)) !== 0) throw new Error('a tree of this width');
  const tree: RatchetTree = new Array(width).fill(undefined);
  let count = 0;
  for (const [key, bytes] of records) {
    if (key === 'head') continue;
    if (++count % READ_AT_ONCE === 0) await pause?.();
    const index = Number(/^node\/(\d+)$/.exec(key)?.[1] ?? width);
    if (index >= width) throw new Error('a record of another kind');
    tree[index] = nodeFrom(index, bytes);
  }
  const { hash } = await cipherSuite(engine);
  await pause?.();
  const hashed = await hashTree(tree, hash);
  if (!sameBytes(rootHash(hashed), context.treeHash)) throw new Error('the tree is another');
  return { id: groupIdIn(context.groupId), epoch: context.epoch, context, hashed, confirmationTag, groupInfo, pending };
}

const leafEncoder = composeBufferEncoders([varLenDataEncoder, leafNodeEncoder]);
const leafDecoder = mapDecoders([varLenDataDecoder, leafNodeDecoder], (...all) => all);

function nodeBytes(node: Node): Uint8Array {
  if (node.nodeType === nodeTypes.parent) return encode(parentNodeEncoder, node.parent);
  // With the device, or the certificates of all members would have to be read at each start: a quarter of a millisecond each.
  return encode(leafEncoder, [utf8(identityOf(node.leaf).device), node.leaf]);
}

function nodeFrom(index: number, bytes: Uint8Array): Node {
  if (index % 2 === 1) return { nodeType: nodeTypes.parent, parent: whole(parentNodeDecoder, bytes) };
  const [name, leaf] = whole(leafDecoder, bytes);
  const device = parseDeviceId(textOf(name) ?? '');
  if (device === undefined) throw new Error('no device');
  rememberIdentity(leaf, identityOfDevice(device));
  return { nodeType: nodeTypes.leaf, leaf };
}

function whole<T>(decoder: Decoder<T>, bytes: Uint8Array | undefined): T {
  // A copy, because what is decoded are views.
  const value = bytes && decode(decoder, bytes.slice());
  if (value === undefined) throw new Error('a record cannot be decoded');
  return value;
}
