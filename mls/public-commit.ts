/**
 * What a commit makes of the public tree (RFC 9420, sections 7.5, 12.3 and 12.4.2): removals, additions, the path. The tree operations are
 * the library's, so that hub and members cannot differ in them; what the library checks with secrets at hand is checked here without.
 */
import {
  type CiphersuiteImpl,
  type Commit,
  defaultProposalTypes,
  type KeyPackage,
  nodeTypes,
  type Proposal,
  type RatchetTree,
} from 'ts-mls';
import { verifyLeafNodeSignature } from 'ts-mls/internal/leafNode.js';
import {
  addLeafNodeMutable,
  filteredDirectPathAndCopathResolution,
  removeLeafNodeMutable,
} from 'ts-mls/internal/ratchetTree.js';
import { nodeToLeafIndex, toLeafIndex } from 'ts-mls/internal/treemath.js';
import type { UpdatePath } from 'ts-mls/internal/updatePath.js';
import { HawserError } from '#signalling/errors.ts';
import { sameBytes } from './bytes.ts';
import { checkEncryptionKey } from './leaf.ts';
import { checkLeafExtensions, checkWidth, KeySet, refuseTree } from './tree-check.ts';
import { childrenOf, type HashedTree, hashTree, parentHashOf } from './tree-hash.ts';
import { leafAt } from './wire.ts';

/** Additions in one commit: each costs the hub two signatures and a chain of certificates. */
export const MAX_ADDED = 50;
/** Bytes of a path secret, and of the tag of AES-GCM behind it. */
const PATH_SECRET = 32 + 16;
/** Bytes of what HPKE sends along: a public key of X25519. */
const KEM_OUTPUT = 32;

/** A commit that `checkCommit` let pass, and the proposals in it in their order, whether by value or by reference. */
export interface PublicCommit {
  readonly commit: Commit;
  readonly proposals: readonly Proposal[];
  /** Undefined where the sender joins. */
  readonly committer: number | undefined;
}

export interface Added {
  readonly leafIndex: number;
  readonly keyPackage: KeyPackage;
}

export interface Applied {
  readonly hashed: HashedTree;
  /** In the new tree. */
  readonly committer: number;
  readonly added: readonly Added[];
}

/** @throws {HawserError} MLS_REFUSED, MLS_TOO_LARGE */
export async function applyPublicCommit(
  before: HashedTree,
  { commit, proposals, committer: member }: PublicCommit,
  groupId: Uint8Array,
  suite: CiphersuiteImpl,
): Promise<Applied> {
  const { path } = commit;
  if (path === undefined && needsPath(proposals)) refuseTree('a commit of this kind must have a path');
  const tree = before.tree.slice();
  for (const leafIndex of removedBy(proposals)) removeLeafNodeMutable(tree, toLeafIndex(leafIndex));
  const keys = new KeySet();
  keys.addAll(tree);
  const added = addLeaves(tree, keys, proposals);
  for (const { kemOutput } of initsIn(proposals)) checkEncryptionKey(kemOutput);
  if (path === undefined) {
    checkWidth(tree);
    // Then it is of a member: whoever joins brings a path.
    return { hashed: await hashTree(tree, suite.hash, before), committer: member ?? 0, added };
  }

  const leaf = path.leafNode;
  checkLeafExtensions(leaf);
  const former = member === undefined ? undefined : leafAt(tree, member);
  if (former !== undefined) keys.forgetSignature(former.signaturePublicKey);
  keys.addSignature(leaf.signaturePublicKey);
  // The keys that the path replaces are still among them: a path brings new ones only.
  keys.addEncryption(leaf.hpkePublicKey);
  const committer = member ?? nodeToLeafIndex(addLeafNodeMutable(tree, leaf));
  const signed = await verifyLeafNodeSignature(leaf, groupId, committer, suite.signature).catch(() => false);
  if (!signed) refuseTree('the signature of the new leaf is wrong');
  checkWidth(tree);
  const newcomers = new Set(added.map(({ leafIndex }) => leafIndex * 2));
  const interim = await hashTree(tree, suite.hash, before);
  const after = await applyPath(interim, committer, path, newcomers, keys, suite);
  return { hashed: await hashTree(after, suite.hash, interim), committer, added };
}

/** Section 12.4: only a commit of additions alone may do without. */
function needsPath(proposals: readonly Proposal[]): boolean {
  return proposals.length === 0 || proposals.some((each) => each.proposalType !== defaultProposalTypes.add);
}

function removedBy(proposals: readonly Proposal[]): number[] {
  const removed = proposals.flatMap((each) => ('remove' in each ? [each.remove.removed] : []));
  if (new Set(removed).size !== removed.length) refuseTree('it removes a leaf twice');
  return removed;
}

function initsIn(proposals: readonly Proposal[]) {
  return proposals.flatMap((each) => ('externalInit' in each ? [each.externalInit] : []));
}

function addLeaves(tree: RatchetTree, keys: KeySet, proposals: readonly Proposal[]): Added[] {
  const packages = proposals.flatMap((each) => ('add' in each ? [each.add.keyPackage] : []));
  if (packages.length > MAX_ADDED) throw new HawserError('MLS_TOO_LARGE', `${packages.length} additions at once`);
  return packages.map((keyPackage) => {
    const { leafNode } = keyPackage;
    checkLeafExtensions(leafNode);
    keys.addEncryption(leafNode.hpkePublicKey);
    keys.addSignature(leafNode.signaturePublicKey);
    return { leafIndex: nodeToLeafIndex(addLeafNodeMutable(tree, leafNode)), keyPackage };
  });
}

/**
 * Section 7.5: puts the keys of a path into the tree, from the root down, since each parent hash covers the one above it.
 * @param newcomers nodes of the leaves that the same commit adds, to whom nothing is encrypted: they have a Welcome
 */
async function applyPath(
  hashed: HashedTree,
  committer: number,
  path: UpdatePath,
  newcomers: ReadonlySet<number>,
  keys: KeySet,
  { hash }: CiphersuiteImpl,
): Promise<RatchetTree> {
  const tree = hashed.tree.slice();
  const direct = filteredDirectPathAndCopathResolution(toLeafIndex(committer), tree);
  if (direct.length !== path.nodes.length) refuseTree('the path has another length');
  let above:
    | { index: number; node: { hpkePublicKey: Uint8Array; parentHash: Uint8Array; unmergedLeaves: number[] } }
    | undefined;
  // What a node below must carry: the hash of the parent above, which covers the other side; nothing at the top.
  const hashFor = async (index: number) => {
    if (above === undefined) return new Uint8Array();
    const [left, right] = childrenOf(above.index);
    return parentHashOf(hashed, above.node, index < above.index ? right : left, hash);
  };
  for (const [level, { nodeIndex, resolution }] of [...direct.entries()].reverse()) {
    const { hpkePublicKey, encryptedPathSecret } = path.nodes[level] ?? refuseTree('the path has another length');
    keys.addEncryption(hpkePublicKey);
    checkEncryptionKey(hpkePublicKey);
    const receivers = resolution.filter((node) => !newcomers.has(node));
    const isWhole = encryptedPathSecret.every(
      ({ kemOutput, ciphertext }) => kemOutput.length === KEM_OUTPUT && ciphertext.length === PATH_SECRET,
    );
    if (receivers.length !== encryptedPathSecret.length || !isWhole) {
      refuseTree('the path is not encrypted to all who need it');
    }
    const node = { hpkePublicKey, parentHash: await hashFor(nodeIndex), unmergedLeaves: [] };
    tree[nodeIndex] = { nodeType: nodeTypes.parent, parent: node };
    above = { index: nodeIndex, node };
  }
  if (!sameBytes(path.leafNode.parentHash, await hashFor(committer * 2))) {
    refuseTree('the parent hash of the new leaf is of another tree');
  }
  tree[committer * 2] = { nodeType: nodeTypes.leaf, leaf: path.leafNode };
  return tree;
}
