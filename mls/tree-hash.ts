/**
 * The hashes of a tree (RFC 9420, sections 7.8 and 7.9), each computed once. A commit changes the nodes on a few paths; everything beside
 * them is the same object as in the epoch before and keeps its hash, so that a commit among 500 costs some thirty hashes and not two
 * thousand.
 */
import { encode, type LeafNode, nodeTypes, type RatchetTree } from 'ts-mls';
import type { Hash } from 'ts-mls/internal/crypto/hash.js';
import { parentHashInputEncoder } from 'ts-mls/internal/parentHash.js';
import type { ParentNode } from 'ts-mls/internal/parentNode.js';
import { treeHashInputEncoder } from 'ts-mls/internal/treeHash.js';
import { left, right, rootFromNodeWidth, toNodeIndex } from 'ts-mls/internal/treemath.js';

/** A tree whose nodes are never changed in place. */
export interface HashedTree {
  readonly tree: RatchetTree;
  /** Of the subtree under each node. */
  readonly hashes: readonly Uint8Array[];
}

/** @param before a tree that shares nodes with it, by identity */
export async function hashTree(tree: RatchetTree, hash: Hash, before?: HashedTree): Promise<HashedTree> {
  const hashes: Uint8Array[] = new Array(tree.length);
  for (let index = 0; index < tree.length; index += 2) {
    const known = before?.hashes[index];
    const isKnown = known !== undefined && tree[index] === before?.tree[index];
    hashes[index] = isKnown ? known : await hash.digest(leafInput(index / 2, leafIn(tree, index)));
  }
  // The place of a node in the list does not depend on the width of the tree, so that places can be compared.
  for (let level = 1; firstOf(level) < tree.length; level++) {
    for (let index = firstOf(level); index < tree.length; index += 2 << level) {
      const [below, beside] = childrenOf(index);
      const [leftHash, rightHash] = [at(hashes, below), at(hashes, beside)];
      const known = before?.hashes[index];
      const isKnown =
        known !== undefined &&
        tree[index] === before?.tree[index] &&
        leftHash === before?.hashes[below] &&
        rightHash === before?.hashes[beside];
      hashes[index] = isKnown ? known : await hash.digest(parentInput(parentIn(tree, index), leftHash, rightHash));
    }
  }
  return { tree, hashes };
}

/** What stands in the GroupContext. */
export function rootHash({ tree, hashes }: HashedTree): Uint8Array {
  return at(hashes, rootFromNodeWidth(tree.length));
}

/**
 * The hash that a node below a parent carries of it (section 7.9).
 * @param sibling the child of the parent on the side where that node is not
 */
export async function parentHashOf(
  hashed: HashedTree,
  parent: ParentNode,
  sibling: number,
  hash: Hash,
): Promise<Uint8Array> {
  const { hpkePublicKey: encryptionKey, parentHash, unmergedLeaves } = parent;
  const originalSiblingTreeHash = await originalHash(hashed, sibling, unmergedLeaves, hash);
  return hash.digest(encode(parentHashInputEncoder, { encryptionKey, parentHash, originalSiblingTreeHash }));
}

/** The hash that a subtree had before these leaves came into it. Without one of them in it, that is the hash that it has. */
async function originalHash(
  hashed: HashedTree,
  index: number,
  added: readonly number[],
  hash: Hash,
): Promise<Uint8Array> {
  const [first, last] = leavesUnder(index);
  const inside = added.filter((leafIndex) => leafIndex >= first && leafIndex <= last);
  if (inside.length === 0) return at(hashed.hashes, index);
  if (index % 2 === 0) return hash.digest(leafInput(index / 2, undefined));
  const [below, beside] = childrenOf(index);
  const node = parentIn(hashed.tree, index);
  const before = node && { ...node, unmergedLeaves: node.unmergedLeaves.filter((each) => !inside.includes(each)) };
  const leftHash = await originalHash(hashed, below, inside, hash);
  const rightHash = await originalHash(hashed, beside, inside, hash);
  return hash.digest(parentInput(before, leftHash, rightHash));
}

/** The leftmost and the rightmost leaf index below a node, itself where it is a leaf. */
export function leavesUnder(index: number): readonly [first: number, last: number] {
  const span = (1 << levelOf(index)) - 1;
  return [(index - span) / 2, (index + span) / 2];
}

export function childrenOf(index: number): readonly [left: number, right: number] {
  return [left(toNodeIndex(index)), right(toNodeIndex(index))];
}

/** The first node of a level; the next one is `2 << level` further. */
function firstOf(level: number): number {
  return (1 << level) - 1;
}

/** 0 for leaves: the ones at the end of the index in binary. */
function levelOf(index: number): number {
  return 31 - Math.clz32(~index & (index + 1));
}

function leafIn(tree: RatchetTree, index: number): LeafNode | undefined {
  const node = tree[index];
  return node?.nodeType === nodeTypes.leaf ? node.leaf : undefined;
}

export function parentIn(tree: RatchetTree, index: number): ParentNode | undefined {
  const node = tree[index];
  return node?.nodeType === nodeTypes.parent ? node.parent : undefined;
}

function leafInput(leafIndex: number, leafNode: LeafNode | undefined): Uint8Array {
  return encode(treeHashInputEncoder, { nodeType: nodeTypes.leaf, leafIndex, leafNode });
}

function parentInput(parentNode: ParentNode | undefined, leftHash: Uint8Array, rightHash: Uint8Array): Uint8Array {
  return encode(treeHashInputEncoder, { nodeType: nodeTypes.parent, parentNode, leftHash, rightHash });
}

function at(hashes: readonly Uint8Array[], index: number): Uint8Array {
  const value = hashes[index];
  if (value === undefined) throw new Error(`the tree has no node ${index}`);
  return value;
}
