/** Commits of this device (RFC 9420, section 12.4.1): made, kept beside the state, and adopted when the hub says so. */
import {
  base64ToBytes,
  type ClientState,
  type Commit,
  createCommit,
  createGroupInfoWithExternalPub,
  defaultCredentialTypes,
  defaultProposalTypes,
  type KeyPackage,
  nodeTypes,
  type Proposal,
  proposalOrRefTypes,
  protocolVersions,
  wireformats,
} from 'ts-mls';
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId } from '#signalling/ids.ts';
import type { Identity } from './identity.ts';
import { type Environment, withLibrary } from './library.ts';
import { identityOf, membersOf } from './members.ts';
import { type CommitPlan, checkCommit } from './rules.ts';
import { type GroupState, memberState, NO_HISTORY, type Pending } from './state.ts';
import { leafAt, messageBytes, parseKeyPackage } from './wire.ts';

/** What a commit shall do, beside what the hub proposed. With nothing it renews the keys of this device. */
export interface CommitWishes {
  /** Whom the hub proposed to let in and who is not to come in any more: RFC 9420, section 12.2 leaves out what is not valid. */
  readonly leaveOut?: (who: Identity) => boolean;
  /** Key packages of devices to add, as MLSMessages. */
  readonly add?: readonly Uint8Array[];
  /** Devices to remove. */
  readonly remove?: readonly DeviceId[];
  /** DER: what this device shows from now on, in the place of certificates that end. Not together with `add`. */
  readonly certificates?: readonly Uint8Array[];
}

/** What goes to the hub, which answers to the id. Sending the same again is safe. */
export interface OutgoingCommit {
  readonly id: string;
  /** An MLSMessage, readable by the hub: PublicMessage. */
  readonly commit: Uint8Array;
  /** An MLSMessage for all added devices; the tree is not in it, they get it from the hub. */
  readonly welcome: Uint8Array | undefined;
  /** An MLSMessage: the GroupInfo of the new epoch for devices that join by themselves, without the tree. */
  readonly groupInfo: Uint8Array;
}

export function outgoing({ id, commit, welcome, groupInfo }: Pending): OutgoingCommit {
  return { id, commit, welcome, groupInfo };
}

/**
 * The state with a commit that waits. Nothing is wiped: until the hub accepts it, the state before is the one that counts.
 * @param id a fresh request id
 * @throws {HawserError} MLS_NOT_MEMBER, MLS_COMMIT_PENDING, MLS_UNKNOWN_DEVICE and what `checkCommit` throws
 */
export async function prepareCommit(
  state: GroupState,
  wishes: CommitWishes,
  id: string,
  environment: Environment,
): Promise<GroupState> {
  const { certificates, add = [] } = wishes;
  // A commit of additions alone has no path, in which alone a leaf is replaced.
  if (certificates !== undefined && add.length > 0) throw new HawserError('MLS_REFUSED', 'certificates and additions');
  const member = memberState(state);
  const shown = certificates === undefined ? member : withCertificates(member, certificates);
  const current = wishes.leaveOut === undefined ? shown : withoutAdditions(shown, wishes.leaveOut);
  if (state.pending !== undefined) throw new HawserError('MLS_COMMIT_PENDING');
  const proposals = [
    ...(wishes.remove ?? []).map((device) => removal(current, device)),
    ...add.map((bytes) => addition(parseKeyPackage(bytes))),
  ];
  // The library trusts what it is told to add; the rules for commits of others hold for the own ones too, and before.
  const plan = await checkPlan(current, proposals, environment);
  const { newState, commit, welcome } = await withLibrary(environment, 'MLS_REFUSED', (context) =>
    createCommit({ context, state: current, wireAsPublicMessage: true, extraProposals: proposals }),
  );
  const next = { ...newState, historicalReceiverData: NO_HISTORY };
  const pending: Pending = {
    id,
    commit: messageBytes(commit),
    welcome: welcome && messageBytes(welcome),
    groupInfo: await groupInfoBytes(next, environment),
    next,
    plan,
  };
  return { ...state, pending };
}

/** The leaf of a path is made of the one in the tree; what it replaces, nobody else sees. */
function withCertificates(state: ClientState, certificates: readonly Uint8Array[]): ClientState {
  const { leafIndex } = state.privatePath;
  const leaf = leafAt(state.ratchetTree, leafIndex);
  if (leaf === undefined) throw new HawserError('MLS_NOT_MEMBER');
  const credential = { credentialType: defaultCredentialTypes.x509, certificates: [...certificates] };
  const ratchetTree = state.ratchetTree.slice();
  ratchetTree[leafIndex * 2] = { nodeType: nodeTypes.leaf, leaf: { ...leaf, credential } };
  return { ...state, ratchetTree };
}

function withoutAdditions(state: ClientState, leaveOut: (who: Identity) => boolean): ClientState {
  const stays = ({ proposal }: ClientState['unappliedProposals'][string]) =>
    !('add' in proposal) || !leaveOut(identityOf(proposal.add.keyPackage.leafNode));
  const kept = Object.entries(state.unappliedProposals).filter(([, each]) => stays(each));
  return { ...state, unappliedProposals: Object.fromEntries(kept) };
}

function checkPlan(current: ClientState, proposals: readonly Proposal[], environment: Environment) {
  const hub = Object.keys(current.unappliedProposals).map((reference) => ({
    proposalOrRefType: proposalOrRefTypes.reference,
    reference: base64ToBytes(reference),
  }));
  const own = proposals.map((proposal) => ({ proposalOrRefType: proposalOrRefTypes.proposal, proposal }));
  return planOf(current, { proposals: [...hub, ...own], path: undefined }, environment);
}

function planOf(current: ClientState, commit: Commit, environment: Environment): Promise<CommitPlan> {
  const { ratchetTree: tree, unappliedProposals: unapplied, privatePath } = current;
  return checkCommit({ tree, unapplied, commit, committer: privatePath.leafIndex }, environment);
}

function addition(keyPackage: KeyPackage): Proposal {
  return { proposalType: defaultProposalTypes.add, add: { keyPackage } };
}

function removal(current: ClientState, device: DeviceId): Proposal {
  const member = membersOf(current.ratchetTree).find(({ identity }) => identity.device === device);
  if (member === undefined) throw new HawserError('MLS_UNKNOWN_DEVICE');
  return { proposalType: defaultProposalTypes.remove, remove: { removed: member.leafIndex } };
}

/** The GroupInfo of an epoch with the key for external commits (section 12.4.3.2), as an MLSMessage. */
export async function groupInfoBytes(state: ClientState, environment: Environment): Promise<Uint8Array> {
  const groupInfo = await withLibrary(environment, 'MLS_REFUSED', ({ cipherSuite }) =>
    createGroupInfoWithExternalPub(state, [], cipherSuite),
  );
  return messageBytes({ version: protocolVersions.mls10, wireformat: wireformats.mls_group_info, groupInfo });
}
