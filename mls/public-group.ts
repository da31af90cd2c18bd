/**
 * A group as its hub sees it, which is no member: one immutable value and its steps. Whatever a member would refuse is refused here first,
 * so that a group never splits into those who followed a commit and those who could not.
 *
 * What takes a member's secrets cannot be checked by anybody else: the membership tag and the confirmation tag of a commit, and what is
 * encrypted, in the path, in the Welcome and behind `external_pub`. A member can still make a commit that others cannot follow; the hub
 * knows then who it was, because the signature is checked.
 */
import {
  bytesToBase64,
  type Commit,
  contentTypes,
  type GroupContext,
  type MlsPublicMessage,
  type Proposal,
  proposalOrRefTypes,
  senderTypes,
  type UnappliedProposals,
  wireformats,
} from 'ts-mls';
import { verifyFramedContentSignature } from 'ts-mls/internal/framedContent.js';
import { createConfirmedHash, createInterimHash } from 'ts-mls/internal/transcriptHash.js';
import { HawserError } from '#signalling/errors.ts';
import { domainOf, type GroupId } from '#signalling/ids.ts';
import { sameBytes } from './bytes.ts';
import { checkGroup } from './join.ts';
import { lapsedIn } from './lapsed.ts';
import { type Environment, type Hub, withLibrary } from './library.ts';
import { identityOf, type Member, membersOf } from './members.ts';
import { applyPublicCommit } from './public-commit.ts';
import { checkGroupInfo, checkSameEpoch, checkWelcome, type Joined, refuseGroupInfo } from './public-uploads.ts';
import { type CommitPlan, checkCommit, type Policy } from './rules.ts';
import { checkLeaves, checkParentHashes, checkShape } from './tree-check.ts';
import { type HashedTree, hashTree, rootHash } from './tree-hash.ts';
import { groupIdIn, leafAt, parseFramed, parseGroupInfo, parseTree, parseWelcome, treeBytes } from './wire.ts';

/** What a hub needs from outside; the policy is that of the one conversation. */
export interface HubEnvironment extends Environment {
  readonly hub: Hub;
}

/** Made by `beginPublicGroup`, `applyCommit`, `proposeRemoval` and `readPublicGroup` only. */
export interface PublicGroup {
  readonly id: GroupId;
  readonly epoch: bigint;
  readonly context: GroupContext;
  readonly hashed: HashedTree;
  readonly confirmationTag: Uint8Array;
  /** As it was uploaded. */
  readonly groupInfo: Uint8Array;
  /** What the hub proposed in this epoch, by reference. The next commit of a member contains all of it. */
  readonly pending: UnappliedProposals;
}

export interface GroupParts {
  /** An MLSMessage: a GroupInfo with `external_pub`, without the tree. */
  readonly groupInfo: Uint8Array;
  readonly tree: Uint8Array;
}

export interface CommitParts {
  /** An MLSMessage: PublicMessage. */
  readonly commit: Uint8Array;
  /** An MLSMessage: the GroupInfo of the epoch that the commit makes, as in `GroupParts`. */
  readonly groupInfo: Uint8Array;
  /** An MLSMessage, where the commit adds somebody. */
  readonly welcome?: Uint8Array | undefined;
}

/** What a commit does. */
export interface PublicPlan {
  /** Whether the sender joined by it. */
  readonly external: boolean;
  /** With the place in the new tree. */
  readonly by: Member;
  readonly joined: readonly Joined[];
  readonly left: readonly Member[];
  /**
   * Whom the hub had proposed to remove and who is still there: an external commit cannot contain what others proposed, and ends the epoch
   * in which it was proposed. To be proposed again.
   */
  readonly spared: readonly Member[];
}

export interface AppliedCommit {
  readonly state: PublicGroup;
  readonly plan: PublicPlan;
}

/**
 * A group as it was uploaded, new or not: everything that a device which joins by itself would check, and that it is one of this hub.
 * @throws {HawserError} MLS_MALFORMED, MLS_TOO_LARGE, MLS_UNSUPPORTED, MLS_WRONG_GROUP, MLS_REFUSED, MLS_GROUP_INFO_REFUSED,
 * MLS_NOT_ADMITTED and what `Credentials.identify` throws
 */
export async function beginPublicGroup(parts: GroupParts, environment: HubEnvironment): Promise<PublicGroup> {
  const groupInfo = parseGroupInfo(parts.groupInfo);
  const tree = parseTree(parts.tree);
  const { groupContext: context, confirmationTag, signer } = groupInfo;
  const id = groupIdIn(context.groupId);
  if (domainOf(id) !== environment.hub.domain) throw new HawserError('MLS_WRONG_GROUP', 'another domain is its hub');
  checkShape(tree);
  return withLibrary(environment, 'MLS_REFUSED', async ({ cipherSuite: suite }) => {
    const leaf = leafAt(tree, signer) ?? refuseGroupInfo('nobody signed it who is in the group');
    await checkGroupInfo(groupInfo, leaf, suite);
    const hashed = await hashTree(tree, suite.hash);
    if (!sameBytes(rootHash(hashed), context.treeHash)) refuseGroupInfo('it is of another tree');
    await checkParentHashes(hashed, suite);
    await checkLeaves(tree, context.groupId, environment);
    checkGroup(context, tree, id, environment);
    const { epoch } = context;
    return { id, epoch, context, hashed, confirmationTag, groupInfo: parts.groupInfo.slice(), pending: {} };
  });
}

/**
 * The next epoch, and what it changes. One commit makes an epoch: whoever stores the result does it by compare-and-swap on group and epoch.
 * @throws {HawserError} MLS_MALFORMED, MLS_TOO_LARGE, MLS_UNSUPPORTED, MLS_WRONG_GROUP; MLS_EPOCH_PAST of a commit that lost,
 * MLS_EPOCH_FUTURE; MLS_PROPOSALS_PENDING where it leaves out what the hub proposed; MLS_GROUP_INFO_REFUSED, MLS_WELCOME_REFUSED, and
 * what `checkCommit` throws
 */
export async function applyCommit(
  state: PublicGroup,
  parts: CommitParts,
  environment: HubEnvironment,
): Promise<AppliedCommit> {
  const { publicMessage } = framedCommit(state, parts.commit);
  const { content, auth } = publicMessage;
  if (content.contentType !== contentTypes.commit || auth.contentType !== contentTypes.commit) {
    throw new HawserError('MLS_UNSUPPORTED', 'only the hub proposes, and this is no commit');
  }
  const groupInfo = parseGroupInfo(parts.groupInfo);
  const welcome = parts.welcome && parseWelcome(parts.welcome);
  const { sender, commit } = content;
  if (sender.senderType !== senderTypes.member && sender.senderType !== senderTypes.new_member_commit) {
    throw new HawserError('MLS_REFUSED', 'a commit of somebody who may not commit');
  }
  const { context, hashed: before, pending } = state;
  const member = sender.senderType === senderTypes.member ? sender.leafIndex : undefined;
  if (member !== undefined) checkAllPending(pending, commit.proposals, environment.policy);
  const signer = member === undefined ? commit.path?.leafNode : leafAt(before.tree, member);
  if (signer === undefined) throw new HawserError('MLS_REFUSED', 'the sender is not a member');
  return withLibrary(environment, 'MLS_REFUSED', async ({ cipherSuite: suite }) => {
    const { hash, signature } = suite;
    const key = signer.signaturePublicKey;
    const signed = verifyFramedContentSignature(
      ...([key, wireformats.mls_public_message, content, auth, context, signature] as const),
    );
    if (!(await signed.catch(() => false)))
      throw new HawserError('MLS_REFUSED', 'the signature of the commit is wrong');
    const given = { tree: before.tree, unapplied: pending, commit, committer: member };
    const plan = await checkCommit(given, environment);
    const proposals = commit.proposals.map((each) => proposalIn(each, pending));
    const applied = await applyPublicCommit(
      ...([before, { commit, proposals, committer: member }, context.groupId, suite] as const),
    );
    const { hashed, committer, added } = applied;

    const interim = await createInterimHash(context.confirmedTranscriptHash, state.confirmationTag, hash);
    const wireformat = wireformats.mls_public_message;
    const confirmedTranscriptHash = await createConfirmedHash(
      interim,
      { wireformat, content, signature: auth.signature },
      hash,
    );
    const epoch = context.epoch + 1n;
    const next: GroupContext = { ...context, epoch, treeHash: rootHash(hashed), confirmedTranscriptHash };
    const { confirmationTag } = auth;
    const leaf = leafAt(hashed.tree, committer) ?? refuseGroupInfo('nobody signed it who is in the group');
    checkSameEpoch(groupInfo, next, confirmationTag, committer);
    await checkGroupInfo(groupInfo, leaf, suite);
    const joined = await checkWelcome(welcome, added, suite);
    const after = { id: state.id, epoch, context: next, hashed, confirmationTag, pending: {} };
    return {
      state: { ...after, groupInfo: parts.groupInfo.slice() },
      plan: publicPlan(plan, committer, joined, state),
    };
  });
}

/**
 * Whether the hub takes an application message: it reads nothing of it but group and epoch. A sender who has not heard of the last
 * commits yet is heard all the same, two epochs back; not while somebody is to be removed, who could read it.
 * @returns its epoch
 * @throws {HawserError} MLS_MALFORMED, MLS_TOO_LARGE, MLS_UNSUPPORTED, MLS_WRONG_GROUP, MLS_EPOCH_PAST, MLS_EPOCH_FUTURE,
 * MLS_PROPOSALS_PENDING
 */
export function checkApplication(state: PublicGroup, bytes: Uint8Array): bigint {
  const { message, group, epoch } = parseFramed(bytes);
  if (message.wireformat !== wireformats.mls_private_message) throw new HawserError('MLS_UNSUPPORTED', 'a handshake');
  if (group !== state.id) throw new HawserError('MLS_WRONG_GROUP');
  if (epoch > state.epoch) throw new HawserError('MLS_EPOCH_FUTURE');
  if (epoch + EPOCHS_BACK < state.epoch) throw new HawserError('MLS_EPOCH_PAST');
  if (Object.keys(state.pending).length > 0) throw new HawserError('MLS_PROPOSALS_PENDING');
  return epoch;
}

const EPOCHS_BACK = 2n;

/** What a device needs to join by itself, or after a Welcome: the GroupInfo as it was uploaded, and the tree. */
export function serveGroupInfo({ groupInfo, hashed }: PublicGroup): GroupParts {
  return { groupInfo: groupInfo.slice(), tree: treeBytes(hashed.tree) };
}

/** From left to right. */
export function membersIn({ hashed }: PublicGroup): readonly Member[] {
  return membersOf(hashed.tree);
}

/** Members whose certificates have ended or were taken back, by the lists that the hub knows: to be proposed for removal. */
export function lapsedMembers(
  { hashed }: PublicGroup,
  environment: Pick<HubEnvironment, 'credentials' | 'now'>,
): Promise<readonly Member[]> {
  return lapsedIn(hashed.tree, environment);
}

/** Members whom the hub proposed to remove in this epoch. */
export function pendingIn({ hashed, pending }: PublicGroup): readonly Member[] {
  const proposed = new Set(Object.values(pending).flatMap(({ proposal }) => removedBy(proposal)));
  return membersOf(hashed.tree).filter(({ leafIndex }) => proposed.has(leafIndex));
}

function removedBy(proposal: Proposal): number[] {
  return 'remove' in proposal ? [proposal.remove.removed] : [];
}

function framedCommit(state: PublicGroup, bytes: Uint8Array): MlsPublicMessage {
  const { message, group, epoch } = parseFramed(bytes);
  if (message.wireformat !== wireformats.mls_public_message)
    throw new HawserError('MLS_UNSUPPORTED', 'this is no commit');
  if (group !== state.id) throw new HawserError('MLS_WRONG_GROUP');
  if (epoch < state.epoch) throw new HawserError('MLS_EPOCH_PAST', 'another commit was first');
  if (epoch > state.epoch) throw new HawserError('MLS_EPOCH_FUTURE');
  return message;
}

/** Whoever was let in and is no member any more before he came is left out. */
function checkAllPending(pending: UnappliedProposals, proposals: Commit['proposals'], { admits }: Policy): void {
  const contained = new Set(
    proposals.flatMap((each) =>
      each.proposalOrRefType === proposalOrRefTypes.reference ? [bytesToBase64(each.reference)] : [],
    ),
  );
  const isNeeded = ({ proposal }: UnappliedProposals[string]) =>
    !('add' in proposal) || admits(identityOf(proposal.add.keyPackage.leafNode));
  if (Object.entries(pending).some(([reference, each]) => !contained.has(reference) && isNeeded(each)))
    throw new HawserError('MLS_PROPOSALS_PENDING');
}

function proposalIn(each: Commit['proposals'][number], pending: UnappliedProposals): Proposal {
  if (each.proposalOrRefType === proposalOrRefTypes.proposal) return each.proposal;
  const known = pending[bytesToBase64(each.reference)];
  if (known === undefined) throw new HawserError('MLS_REFUSED', 'a proposal that nobody made');
  return known.proposal;
}

function publicPlan(
  { external, by, left }: CommitPlan,
  leafIndex: number,
  added: readonly Joined[],
  before: PublicGroup,
): PublicPlan {
  const committer = { leafIndex, identity: by };
  const joined = external ? [{ ...committer, reference: undefined }] : added;
  const gone = new Set(left.map((each) => each.leafIndex));
  const spared = pendingIn(before).filter((each) => !gone.has(each.leafIndex));
  return { external, by: committer, joined, left, spared };
}
