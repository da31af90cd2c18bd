/**
 * What a commit may contain here, which is less than RFC 9420 allows, and who may do it.
 *
 * The hub proposes removals and additions, members commit them and their own; a device joins by itself (section 12.4.3.2) and
 * replaces at most its own former leaf. Pre-shared keys, re-initialisation, changes of extensions and proposals of members are
 * not used, and what is not used is refused: it can only hurt.
 */
import {
  bytesToBase64,
  type Commit,
  defaultProposalTypes,
  type KeyPackage,
  type LeafNode,
  type Proposal,
  proposalOrRefTypes,
  type RatchetTree,
  type UnappliedProposals,
} from 'ts-mls';
import { HawserError } from '#signalling/errors.ts';
import type { ParticipantId } from '#signalling/ids.ts';
import type { Credentials } from './credentials.ts';
import type { Engine } from './engine.ts';
import type { Identity } from './identity.ts';
import { checkKeyPackage } from './key-package.ts';
import { checkLeafNode } from './leaf.ts';
import { checkDevicesOnce, identityOf, type Member, membersOf } from './members.ts';
import { checkParticipantsOnce, participantOf, participantsIn } from './participant.ts';
import { certificatesIn, leafAt } from './wire.ts';

/** What the conversation says about its people. The hub checks it too; a hub that does not is found out by this. */
export interface Policy {
  /**
   * Whether a device may be in the group at all, whoever brings it.
   * @param participant by which name SFTs know it, in the group of a call
   */
  admits(who: Identity, participant?: ParticipantId): boolean;
  /** Whether a member may remove another one. The hub may, always. */
  mayRemove(by: Identity, whom: Identity): boolean;
}

/** A commit, and what was known before it. */
export interface CommitCase {
  readonly tree: RatchetTree;
  readonly unapplied: UnappliedProposals;
  readonly commit: Commit;
  /** Of the committing member; undefined where the sender is a device that joins. */
  readonly committer: number | undefined;
}

export interface CommitPlan {
  /** Whether the sender joined by it. */
  readonly external: boolean;
  readonly by: Identity;
  readonly joined: readonly Identity[];
  readonly left: readonly Member[];
}

interface Wish {
  readonly proposal: Proposal;
  readonly byHub: boolean;
}

/** What the checks need of the world; an `Environment` is one. */
export interface Rules {
  readonly credentials: Credentials;
  readonly policy: Policy;
  readonly engine?: Engine | undefined;
  /** ms since 1970 */
  readonly now: () => number;
  /**
   * When the hub accepted what is looked at, where that is told, ms since 1970: whoever was away follows a commit whose sender, or whom it
   * added, was good then, and was removed since. The hub itself judges as of now; one that lies about the time wins nothing by it,
   * because nothing is sent while somebody who lapsed is in the group.
   */
  readonly at?: number | undefined;
}

/**
 * @throws {HawserError} MLS_REFUSED, MLS_FOREIGN_REMOVAL, MLS_PROPOSAL_REFUSED, MLS_NOT_ADMITTED, MLS_KEY_PACKAGE_REFUSED,
 * MLS_CREDENTIAL_REFUSED, MLS_CREDENTIAL_EXPIRED, MLS_CREDENTIAL_REVOKED, MLS_REVOCATION_UNKNOWN
 */
export async function checkCommit(
  { tree, unapplied, commit, committer }: CommitCase,
  { credentials, policy, engine, now: clock, at }: Rules,
): Promise<CommitPlan> {
  const now = clock();
  const wishes = commit.proposals.map((each): Wish => {
    if (each.proposalOrRefType === proposalOrRefTypes.proposal) return { proposal: each.proposal, byHub: false };
    const known = unapplied[bytesToBase64(each.reference)];
    if (known === undefined) throw new HawserError('MLS_REFUSED', 'a proposal that nobody made');
    return { proposal: known.proposal, byHub: true };
  });
  const identify = (leaf: LeafNode) => credentials.identify(certificatesIn(leaf), leaf.signaturePublicKey, now, at);
  if (commit.path !== undefined) checkLeafNode(commit.path.leafNode);

  if (committer === undefined) {
    if (commit.path === undefined) throw new HawserError('MLS_REFUSED', 'a device that joins brings no leaf');
    const by = await identify(commit.path.leafNode);
    const left = checkExternal(wishes, tree, by);
    if (!policy.admits(by, participantOf(commit.path.leafNode))) throw new HawserError('MLS_NOT_ADMITTED');
    checkDevicesOnce([...staying(tree, left), by.device]);
    checkParticipantsOnce(participantsStaying(tree, left), [commit.path.leafNode]);
    return { external: true, by, joined: [by], left };
  }

  const before = leafAt(tree, committer);
  if (before === undefined) throw new HawserError('MLS_REFUSED', 'the sender is not a member');
  // The newest certificates, which come with the path: a commit of a revoked device is refused.
  const by = await identify(commit.path?.leafNode ?? before);
  if (by.device !== identityOf(before).device) throw new HawserError('MLS_REFUSED', 'a leaf became another device');
  if (commit.path && participantOf(commit.path.leafNode) !== participantOf(before))
    throw new HawserError('MLS_REFUSED', 'a leaf became another participant');
  const { added, removed } = sortWishes(wishes, tree);
  const joined: Identity[] = [];
  for (const { keyPackage, byHub } of added) {
    const who = await checkKeyPackage(keyPackage, credentials, { now, at }, engine);
    // The name was looked at when the hub proposed it; a member cannot know what the hub has heard of it since.
    const participant = byHub ? undefined : participantOf(keyPackage.leafNode);
    if (!policy.admits(who, participant)) throw new HawserError('MLS_NOT_ADMITTED');
    joined.push(who);
  }
  for (const { member, byHub } of removed) {
    if (member.leafIndex === committer) throw new HawserError('MLS_REFUSED', 'nobody can commit his own removal');
    if (!byHub && !policy.mayRemove(by, member.identity)) throw new HawserError('MLS_NOT_ADMITTED');
  }
  const left = removed.map(({ member }) => member);
  checkDevicesOnce([...staying(tree, left), ...joined.map(({ device }) => device)]);
  const fresh = added.map(({ keyPackage }) => keyPackage.leafNode);
  if (commit.path === undefined) checkParticipantsOnce(participantsStaying(tree, left), fresh);
  else checkParticipantsOnce(participantsStaying(tree, left, committer), [commit.path.leafNode, ...fresh]);
  return { external: false, by, joined, left };
}

/**
 * A proposal that comes alone must be the hub's, and one that a commit may contain.
 * @throws {HawserError} MLS_PROPOSAL_REFUSED, MLS_REFUSED, MLS_NOT_ADMITTED, MLS_KEY_PACKAGE_REFUSED and what credentials throw
 */
export async function checkHubProposal(
  proposal: Proposal,
  tree: RatchetTree,
  { credentials, policy, engine, now, at }: Rules,
): Promise<void> {
  for (const { keyPackage } of sortWishes([{ proposal, byHub: true }], tree).added) {
    const who = await checkKeyPackage(keyPackage, credentials, { now: now(), at }, engine);
    if (!policy.admits(who, participantOf(keyPackage.leafNode))) throw new HawserError('MLS_NOT_ADMITTED');
  }
}

/** Section 12.4.3.2, and that nobody but the former self of the joiner goes. Members who process it have no other defence. */
function checkExternal(wishes: readonly Wish[], tree: RatchetTree, joiner: Identity): Member[] {
  const left: Member[] = [];
  let inits = 0;
  for (const { proposal, byHub } of wishes) {
    if (byHub) throw new HawserError('MLS_REFUSED', 'a device that joins cannot commit what others proposed');
    if (isKind(proposal, 'external_init')) inits++;
    else if (isKind(proposal, 'remove')) {
      const member = memberAt(tree, proposal.remove.removed);
      if (member.identity.device !== joiner.device) throw new HawserError('MLS_FOREIGN_REMOVAL');
      left.push(member);
    } else throw new HawserError('MLS_PROPOSAL_REFUSED');
  }
  if (inits !== 1 || left.length > 1)
    throw new HawserError('MLS_REFUSED', 'a device joins once, and replaces one leaf');
  return left;
}

function sortWishes(wishes: readonly Wish[], tree: RatchetTree) {
  const added: { keyPackage: KeyPackage; byHub: boolean }[] = [];
  const removed: { member: Member; byHub: boolean }[] = [];
  for (const { proposal, byHub } of wishes) {
    if (isKind(proposal, 'add')) added.push({ keyPackage: proposal.add.keyPackage, byHub });
    else if (isKind(proposal, 'remove')) removed.push({ member: memberAt(tree, proposal.remove.removed), byHub });
    else throw new HawserError('MLS_PROPOSAL_REFUSED');
  }
  return { added, removed };
}

function memberAt(tree: RatchetTree, leafIndex: number): Member {
  const leaf = leafAt(tree, leafIndex);
  if (leaf === undefined) throw new HawserError('MLS_REFUSED', 'it removes a leaf that is not there');
  return { leafIndex, identity: identityOf(leaf) };
}

function staying(tree: RatchetTree, left: readonly Member[]) {
  const gone = new Set(left.map(({ leafIndex }) => leafIndex));
  return membersOf(tree)
    .filter(({ leafIndex }) => !gone.has(leafIndex))
    .map(({ identity }) => identity.device);
}

/** @param renewed the leaf that the commit itself brings anew */
function participantsStaying(tree: RatchetTree, left: readonly Member[], renewed?: number): Iterable<ParticipantId> {
  const participants = participantsIn(tree);
  for (const { leafIndex } of left) participants.delete(leafIndex);
  if (renewed !== undefined) participants.delete(renewed);
  return participants.values();
}

type Kind = 'add' | 'remove' | 'external_init';
type OfKind<K extends Kind> = Extract<Proposal, { proposalType: (typeof defaultProposalTypes)[K] }>;

/** The type's number and its fields: a custom proposal may have any number. */
function isKind<K extends Kind>(proposal: Proposal, kind: K): proposal is OfKind<K> {
  return proposal.proposalType === defaultProposalTypes[kind] && !('proposalData' in proposal);
}
