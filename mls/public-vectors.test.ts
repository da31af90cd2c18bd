/** The hub's view against the vectors of the standard: trees, paths, and groups of other implementations, followed without their secrets. */
import {
  bytesToBase64,
  type ClientState,
  contentTypes,
  decode,
  joinGroup,
  type MlsContext,
  mlsMessageDecoder,
  nodeTypes,
  type Proposal,
  processMessage,
  proposalOrRefTypes,
  unsafeTestingAuthenticationService,
} from 'ts-mls';
import { proposalDecoder } from 'ts-mls/internal/proposal.js';
import {
  addLeafNodeMutable,
  ratchetTreeDecoder,
  removeLeafNodeMutable,
  updateLeafNodeMutable,
} from 'ts-mls/internal/ratchetTree.js';
import { createConfirmedHash, createInterimHash } from 'ts-mls/internal/transcriptHash.js';
import { toLeafIndex } from 'ts-mls/internal/treemath.js';
import { updatePathDecoder } from 'ts-mls/internal/updatePath.js';
import { expect } from 'vitest';
import { nodeEngine } from '#mls/node-engine.ts';
import { HawserError } from '#signalling/errors.ts';
import { applyPublicCommit } from './public-commit.ts';
import { cipherSuite } from './suite.ts';
import { hex, toHex } from './testing/hex.ts';
import { itMeets } from './testing/vectors.ts';
import { checkParentHashes, checkShape } from './tree-check.ts';
import { type HashedTree, hashTree, rootHash } from './tree-hash.ts';

const cs = await cipherSuite(nodeEngine);
const { hash } = cs;

function decoded<T>(decoder: (bytes: Uint8Array, offset: number) => [T, number] | undefined, text: string): T {
  const value = decode(decoder, hex(text));
  if (value === undefined) throw new Error('the vector cannot be decoded');
  return value;
}

itMeets<{ tree: string; tree_hashes: string[] }>(
  'tree-validation',
  async (v) => {
    const tree = decoded(ratchetTreeDecoder, v.tree);
    checkShape(tree);
    const hashed = await hashTree(tree, hash);
    expect(hashed.hashes.map(toHex)).toEqual(v.tree_hashes);
    await checkParentHashes(hashed, cs);
    // No parent with another key or parent hash passes, nor a tree in which one that others depend on is missing.
    for (const [index, node] of tree.entries()) {
      if (node?.nodeType !== nodeTypes.parent) continue;
      const { parent } = node;
      for (const changes of [{ hpkePublicKey: new Uint8Array(32) }, { parentHash: new Uint8Array(32) }]) {
        const wrong = tree.with(index, { nodeType: nodeTypes.parent, parent: { ...parent, ...changes } });
        const again = await hashTree(wrong, hash, hashed);
        expect(await codeOf(checkParentHashes(again, cs))).toBe('MLS_REFUSED');
      }
    }
  },
  60_000,
);

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error instanceof HawserError ? error.code : `uncoded ${error}`),
  );

itMeets<
  { proposal: string; proposal_sender: number } & Record<'tree_before' | 'tree_hash_before' | 'tree_hash_after', string>
>('tree-operations', async (v) => {
  const before = await hashTree(decoded(ratchetTreeDecoder, v.tree_before), hash);
  expect(toHex(rootHash(before))).toBe(v.tree_hash_before);
  const proposal = decoded(proposalDecoder, v.proposal);
  const tree = before.tree.slice();
  if ('add' in proposal) addLeafNodeMutable(tree, proposal.add.keyPackage.leafNode);
  else if ('remove' in proposal) removeLeafNodeMutable(tree, toLeafIndex(proposal.remove.removed));
  else if ('update' in proposal) updateLeafNodeMutable(tree, proposal.update.leafNode, toLeafIndex(v.proposal_sender));
  else throw new Error('another proposal');
  expect(toHex(rootHash(await hashTree(tree, hash, before)))).toBe(v.tree_hash_after);
});

itMeets<{
  group_id: string;
  ratchet_tree: string;
  update_paths: { sender: number; update_path: string; tree_hash_after: string }[];
}>(
  'treekem',
  async (v) => {
    const before = await hashTree(decoded(ratchetTreeDecoder, v.ratchet_tree), hash);
    for (const { sender, update_path: text, tree_hash_after: wanted } of v.update_paths) {
      const path = decoded(updatePathDecoder, text);
      const commit = { commit: { proposals: [], path }, proposals: [], committer: sender };
      const { hashed } = await applyPublicCommit(before, commit, hex(v.group_id), cs);
      expect(toHex(rootHash(hashed))).toBe(wanted);
      await checkParentHashes(hashed, cs);
    }
  },
  60_000,
);

interface Passive {
  external_psks: { psk_id: string; psk: string }[];
  key_package: string;
  signature_priv: string;
  encryption_priv: string;
  init_priv: string;
  welcome: string;
  ratchet_tree: string | null;
  epochs: { proposals: string[]; commit: string; epoch_authenticator: string }[];
}

/** Follows a group as a member, with his secrets, and beside him as a hub. */
async function follow(v: Passive): Promise<void> {
  const externalPsks = Object.fromEntries(
    v.external_psks.map((each) => [bytesToBase64(hex(each.psk_id)), hex(each.psk)]),
  );
  const context: MlsContext = { cipherSuite: cs, authService: unsafeTestingAuthenticationService, externalPsks };
  const [welcome, own] = [decoded(mlsMessageDecoder, v.welcome), decoded(mlsMessageDecoder, v.key_package)];
  if (!('welcome' in welcome) || !('keyPackage' in own)) throw new Error('other messages');
  let state = await joinGroup({
    context,
    welcome: welcome.welcome,
    keyPackage: own.keyPackage,
    privateKeys: {
      initPrivateKey: hex(v.init_priv),
      hpkePrivateKey: hex(v.encryption_priv),
      signaturePrivateKey: hex(v.signature_priv),
    },
    ...(v.ratchet_tree !== null && { ratchetTree: decoded(ratchetTreeDecoder, v.ratchet_tree) }),
  });
  let hashed = await hashTree(state.ratchetTree, hash);
  for (const epoch of v.epochs) {
    for (const proposal of epoch.proposals) state = (await processed(context, state, proposal)).state;
    const before = state;
    const { state: after, content, auth } = await processed(context, state, epoch.commit);
    expect(toHex(after.keySchedule.epochAuthenticator)).toBe(epoch.epoch_authenticator);
    if (content.contentType !== contentTypes.commit || auth.contentType !== contentTypes.commit) {
      throw new Error('no commit');
    }
    const proposals = content.commit.proposals.map(
      (each): Proposal =>
        each.proposalOrRefType === proposalOrRefTypes.proposal
          ? each.proposal
          : (before.unappliedProposals[bytesToBase64(each.reference)]?.proposal ?? unknown()),
    );
    // Proposals of other kinds are none that a hub of ours lets pass; of such a commit the tree is taken from the member.
    const isOurs = proposals.every((each) => 'add' in each || 'remove' in each || 'externalInit' in each);
    const { sender, commit } = content;
    const committer = 'leafIndex' in sender ? sender.leafIndex : undefined;
    const { groupId } = before.groupContext;
    const next: HashedTree = isOurs
      ? (await applyPublicCommit(hashed, { commit, proposals, committer }, groupId, cs)).hashed
      : await hashTree(after.ratchetTree, hash, hashed);
    seen[isOurs ? 'ours' : 'others']++;
    expect(toHex(rootHash(next))).toBe(toHex(after.groupContext.treeHash));
    checkShape(next.tree);
    await checkParentHashes(next, cs);
    const { confirmedTranscriptHash } = before.groupContext;
    const interim = await createInterimHash(confirmedTranscriptHash, before.confirmationTag, hash);
    const input = { wireformat: 1, content, signature: auth.signature } as const;
    expect(await createConfirmedHash(interim, input, hash)).toEqual(after.groupContext.confirmedTranscriptHash);
    [state, hashed] = [after, next];
  }
}

const seen = { ours: 0, others: 0 };

const unknown = (): never => {
  throw new Error('an unknown proposal');
};

async function processed(context: MlsContext, state: ClientState, text: string) {
  const message = decoded(mlsMessageDecoder, text);
  if (!('publicMessage' in message)) throw new Error('another message');
  const { content, auth } = message.publicMessage;
  return { state: (await processMessage({ context, state, message })).newState, content, auth };
}

itMeets<Passive>('passive-client-handling-commit', follow, 60_000);
itMeets<Passive>(
  'passive-client-random',
  async (v) => {
    await follow(v);
    // Or the vectors would prove nothing about what is ours.
    expect(seen.ours).toBeGreaterThan(20);
  },
  120_000,
);
