/**
 * What a tree must be before anybody believes in it (RFC 9420, sections 7.3, 7.9.2 and 12.4.3.1), in time linear in its size. As strict
 * as the members' library or stricter: a tree that some of them refuse would split the group.
 */
import { type CiphersuiteImpl, type Node, nodeTypes, type RatchetTree } from 'ts-mls';
import { extensionsSupportedByCapabilities } from 'ts-mls/internal/extension.js';
import { verifyLeafNodeSignature } from 'ts-mls/internal/leafNode.js';
import { resolution } from 'ts-mls/internal/ratchetTree.js';
import { toNodeIndex } from 'ts-mls/internal/treemath.js';
import { HawserError } from '#signalling/errors.ts';
import { bytesKey, sameBytes } from './bytes.ts';
import type { Credentials } from './credentials.ts';
import type { Engine } from './engine.ts';
import { checkEncryptionKey, checkLeafNode } from './leaf.ts';
import { rememberIdentity } from './members.ts';
import { cipherSuite } from './suite.ts';
import { childrenOf, type HashedTree, leavesUnder, parentHashOf, parentIn } from './tree-hash.ts';
import { certificatesIn, type Leaf, leafAt, leavesOf } from './wire.ts';

/** Four times the largest group: a tree of blank nodes costs its sender one byte each, and whoever hashes it far more. */
export const MAX_WIDTH = 4096;

export function refuseTree(detail: string): never {
  throw new HawserError('MLS_REFUSED', detail);
}

/** @throws {HawserError} MLS_TOO_LARGE */
export function checkWidth(tree: RatchetTree): void {
  if (tree.length > 2 * MAX_WIDTH) throw new HawserError('MLS_TOO_LARGE', `a tree of ${tree.length} nodes`);
}

/**
 * Leaves and parents in their places, and the lists of leaves that were added below a parent after it was made.
 * @throws {HawserError} MLS_REFUSED, MLS_TOO_LARGE
 */
export function checkShape(tree: RatchetTree): void {
  checkWidth(tree);
  for (const [index, node] of tree.entries()) {
    if (node === undefined) continue;
    const isLeaf = node.nodeType === nodeTypes.leaf;
    if (isLeaf !== (index % 2 === 0))
      refuseTree('a leaf stands in the place of a parent, or a parent in that of a leaf');
    if (node.nodeType === nodeTypes.parent) checkUnmerged(tree, index, node.parent.unmergedLeaves);
  }
}

function checkUnmerged(tree: RatchetTree, index: number, unmerged: readonly number[]): void {
  const [first, last] = leavesUnder(index);
  let before = -1;
  for (const leafIndex of unmerged) {
    const isBelow = leafIndex >= first && leafIndex <= last;
    if (!isBelow || leafAt(tree, leafIndex) === undefined) refuseTree('an unmerged leaf is not below its parent');
    if (leafIndex <= before) refuseTree('the unmerged leaves are not in order');
    before = leafIndex;
    for (let node = index; node % 2 === 1; ) {
      const [left, right] = childrenOf(node);
      node = leafIndex * 2 < node ? left : right;
      const between = parentIn(tree, node);
      if (between !== undefined && !between.unmergedLeaves.includes(leafIndex)) {
        refuseTree('an unmerged leaf is missing in a parent between');
      }
    }
  }
  const [left, right] = childrenOf(index);
  for (const child of [left, right]) {
    // Whatever is below one side only is left out of every path, so that it cannot have been set; libraries differ about it.
    if (resolution(tree, toNodeIndex(child)).length === 0) refuseTree('a parent has nobody on one side');
  }
}

/**
 * All encryption keys of a tree, and all signature keys. Two nodes with one key could stop the group: its next commit would be refused.
 */
export class KeySet {
  readonly #encryption = new Set<string>();
  readonly #signature = new Set<string>();

  /** @throws {HawserError} MLS_REFUSED where a key is there already */
  addAll(tree: RatchetTree): void {
    for (const node of tree) if (node !== undefined) this.addNode(node);
  }

  addNode(node: Node): void {
    const { encryption, signature } = keysOf(node);
    add(this.#encryption, encryption);
    if (signature !== undefined) add(this.#signature, signature);
  }

  addEncryption(key: Uint8Array): void {
    add(this.#encryption, bytesKey(key));
  }

  hasEncryption(key: Uint8Array): boolean {
    return this.#encryption.has(bytesKey(key));
  }

  /** For the leaf that a path replaces: its owner may keep the signature key, not the encryption key. */
  forgetSignature(key: Uint8Array): void {
    this.#signature.delete(bytesKey(key));
  }

  addSignature(key: Uint8Array): void {
    add(this.#signature, bytesKey(key));
  }
}

function add(keys: Set<string>, key: string): void {
  if (keys.has(key)) refuseTree('a key is in the tree already');
  keys.add(key);
}

interface Keys {
  readonly encryption: string;
  readonly signature: string | undefined;
}

/** Nodes are immutable and stay from epoch to epoch. */
const known = new WeakMap<Node, Keys>();

function keysOf(node: Node): Keys {
  const before = known.get(node);
  if (before !== undefined) return before;
  const keys =
    node.nodeType === nodeTypes.leaf
      ? { encryption: bytesKey(node.leaf.hpkePublicKey), signature: bytesKey(node.leaf.signaturePublicKey) }
      : { encryption: bytesKey(node.parent.hpkePublicKey), signature: undefined };
  known.set(node, keys);
  return keys;
}

/**
 * Every parent was made by one of those below it, together with the nodes between (section 7.9.2). Top down: of those who could encrypt
 * below a side of the parent, exactly one carries its hash, and he is the only one who did not come in later.
 * @throws {HawserError} MLS_REFUSED
 */
export async function checkParentHashes(hashed: HashedTree, { hash }: CiphersuiteImpl): Promise<void> {
  const { tree } = hashed;
  for (let index = 1; index < tree.length; index += 2) {
    const parent = parentIn(tree, index);
    if (parent === undefined) continue;
    const [left, right] = childrenOf(index);
    let makers = 0;
    for (const [side, other] of [[left, right] as const, [right, left] as const]) {
      const expected = await parentHashOf(hashed, parent, other, hash);
      const [first, last] = leavesUnder(side);
      const later = new Set(
        parent.unmergedLeaves.filter((each) => each >= first && each <= last).map((each) => each * 2),
      );
      const able = resolution(tree, toNodeIndex(side));
      for (const node of able) {
        const carried = carriedHash(tree[node]);
        if (carried === undefined || !sameBytes(carried, expected)) continue;
        if (later.has(node) || able.length !== later.size + 1) refuseTree('a parent hash is of another tree');
        makers++;
      }
    }
    if (makers !== 1) refuseTree('nobody below a parent made it');
  }
}

function carriedHash(node: Node | undefined): Uint8Array | undefined {
  if (node === undefined) return undefined;
  if (node.nodeType === nodeTypes.parent) return node.parent.parentHash;
  return 'parentHash' in node.leaf ? node.leaf.parentHash : undefined;
}

/**
 * All leaves: what each is able to do, its certificates, its signature; and all keys of the tree.
 * @throws {HawserError} MLS_REFUSED and what `Credentials.identify` throws
 */
export async function checkLeaves(
  tree: RatchetTree,
  groupId: Uint8Array,
  { credentials, engine, now }: { credentials: Credentials; engine?: Engine | undefined; now: () => number },
): Promise<void> {
  const { signature } = await cipherSuite(engine);
  new KeySet().addAll(tree);
  const at = now();
  const check = async ({ leaf, leafIndex }: Leaf) => {
    checkLeafExtensions(leaf);
    checkLeafNode(leaf);
    // Remembered, so that the certificate is not read once more: that takes longer than all else here.
    rememberIdentity(leaf, await credentials.identify(certificatesIn(leaf), leaf.signaturePublicKey, at));
    const signed = await verifyLeafNodeSignature(leaf, groupId, leafIndex, signature).catch(() => false);
    if (!signed) refuseTree('the signature of a leaf is wrong');
  };
  await Promise.all(leavesOf(tree).map(check));
  for (const node of tree) {
    if (node?.nodeType === nodeTypes.parent) checkEncryptionKey(node.parent.hpkePublicKey);
  }
}

/** @throws {HawserError} MLS_REFUSED where it has extensions that it does not say to understand (section 7.3) */
export function checkLeafExtensions({ extensions, capabilities }: Leaf['leaf']): void {
  if (!extensionsSupportedByCapabilities(extensions, capabilities))
    refuseTree('a leaf has an extension that it cannot read');
}
