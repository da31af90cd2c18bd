/** Commits and proposals of others (RFC 9420, sections 12.1.8 and 12.4.2). */
import { type ClientState, contentTypes, type MlsPublicMessage, processPublicMessage, senderTypes } from 'ts-mls';
import { unprotectPublicMessage } from 'ts-mls/internal/messageProtectionPublic.js';
import { HawserError } from '#signalling/errors.ts';
import { sameBytes } from './bytes.ts';
import { type Environment, withLibrary } from './library.ts';
import { endEpoch } from './past.ts';
import { type CommitPlan, checkCommit, checkHubProposal } from './rules.ts';
import { type GroupState, memberState, NO_HISTORY } from './state.ts';
import { type Received, type Step, secretsOnlyIn } from './step.ts';

/**
 * A handshake of the current epoch. The own commit, when it comes back, is taken by its bytes and not processed: it cannot be.
 * @throws {HawserError} MLS_NOT_MEMBER, MLS_REFUSED, MLS_PROPOSAL_REFUSED and what `checkCommit` throws
 */
export async function processHandshake(
  state: GroupState,
  { publicMessage }: MlsPublicMessage,
  bytes: Uint8Array,
  environment: Environment,
): Promise<Step> {
  if (state.pending !== undefined && sameBytes(bytes, state.pending.commit)) return adoptPending(state, environment);
  const { content } = publicMessage;
  const current = memberState(state);
  if (content.contentType === contentTypes.proposal) return processProposal(state, current, publicMessage, environment);
  if (content.contentType !== contentTypes.commit) throw new HawserError('MLS_UNSUPPORTED');
  const { sender, commit } = content;
  if (sender.senderType !== senderTypes.member && sender.senderType !== senderTypes.new_member_commit) {
    throw new HawserError('MLS_REFUSED', 'a commit of somebody who may not commit');
  }
  const committer = sender.senderType === senderTypes.member ? sender.leafIndex : undefined;
  if (committer === current.privatePath.leafIndex)
    throw new HawserError('MLS_REFUSED', 'a commit of this device itself');
  const { ratchetTree: tree, unappliedProposals: unapplied } = current;
  const plan = await checkCommit({ tree, unapplied, commit, committer }, environment);
  if (plan.left.some(({ leafIndex }) => leafIndex === current.privatePath.leafIndex)) {
    return leave(state, current, publicMessage, plan, environment);
  }
  const { newState, consumed } = await withLibrary(environment, 'MLS_REFUSED', (context) =>
    processPublicMessage({ context, state: current, publicMessage }),
  );
  const race = state.pending === undefined ? 'none' : 'won';
  return enterEpoch(state, current, newState, plan, race, environment.now(), consumed);
}

/** The hub accepted the pending commit. @throws {HawserError} MLS_NO_PENDING_COMMIT */
export function adoptPending(state: GroupState, environment: Environment): Step {
  const { pending, current } = state;
  if (pending === undefined) throw new HawserError('MLS_NO_PENDING_COMMIT');
  return enterEpoch(state, current, pending.next, pending.plan, 'own', environment.now(), []);
}

/** The hub refused the pending commit: as if it had never been. */
export function dropPending(state: GroupState): Step {
  const { pending, current } = state;
  if (pending === undefined) throw new HawserError('MLS_NO_PENDING_COMMIT');
  return { state: { ...state, pending: undefined }, received: [], wipe: secretsOnlyIn(pending.next, current) };
}

/**
 * The epoch that ends is taken from the state as it is now, not as it was when the commit was made: its ratchets moved on while the
 * commit was on its way.
 */
function enterEpoch(
  state: GroupState,
  ended: ClientState | undefined,
  entered: ClientState,
  plan: CommitPlan,
  race: 'none' | 'own' | 'won',
  now: number,
  consumed: readonly Uint8Array[],
): Step {
  const current = { ...entered, historicalReceiverData: NO_HISTORY };
  const past = ended === undefined ? state.past : endEpoch(state.past, ended, now);
  const voided = race === 'won' && state.pending !== undefined ? secretsOnlyIn(state.pending.next, ended, current) : [];
  const kept = ended && new Set([...secretTreeValues(ended), ended.keySchedule.senderDataSecret]);
  const over = ended === undefined ? [] : secretsOnlyIn(ended, current).filter((secret) => !kept?.has(secret));
  const received: Received = {
    kind: 'commit',
    epoch: current.groupContext.epoch,
    by: plan.by,
    joined: plan.joined,
    left: plan.left,
    race,
  };
  return {
    state: { ...state, current, past, pending: undefined },
    received: [received],
    wipe: [...consumed, ...voided, ...over],
  };
}

function secretTreeValues({ secretTree }: ClientState): Uint8Array[] {
  const ratchets = Object.values(secretTree.leafNodes).flatMap(({ handshake, application }) => [
    handshake,
    application,
  ]);
  const skipped = ratchets.flatMap(({ unusedGenerations }) => Object.values(unusedGenerations));
  return [...Object.values(secretTree.intermediateNodes), ...ratchets.map(({ secret }) => secret), ...skipped];
}

/**
 * A commit without this device. It cannot be followed into the next epoch, which is its purpose; tag and signature are checked as
 * those of any commit, so that nobody outside can make a device believe that it was removed.
 */
async function leave(
  state: GroupState,
  current: ClientState,
  publicMessage: MlsPublicMessage['publicMessage'],
  plan: CommitPlan,
  environment: Environment,
): Promise<Step> {
  const { groupContext, ratchetTree, keySchedule } = current;
  await withLibrary(environment, 'MLS_REFUSED', ({ cipherSuite }) =>
    unprotectPublicMessage(keySchedule.membershipKey, groupContext, ratchetTree, publicMessage, cipherSuite),
  );
  const gone: ClientState = { ...current, groupActiveState: { kind: 'removedFromGroup' } };
  const wipe = state.pending === undefined ? [] : secretsOnlyIn(state.pending.next, current);
  return {
    state: { ...state, current: gone, pending: undefined, waiting: new Map() },
    received: [{ kind: 'removed', by: plan.by }],
    wipe,
  };
}

async function processProposal(
  state: GroupState,
  current: ClientState,
  publicMessage: MlsPublicMessage['publicMessage'],
  environment: Environment,
): Promise<Step> {
  const { content } = publicMessage;
  if (content.contentType !== contentTypes.proposal || content.sender.senderType !== senderTypes.external) {
    throw new HawserError('MLS_PROPOSAL_REFUSED', 'it is not of the hub');
  }
  await checkHubProposal(content.proposal, current.ratchetTree, environment);
  const { newState } = await withLibrary(environment, 'MLS_REFUSED', (context) =>
    processPublicMessage({ context, state: current, publicMessage }),
  );
  return {
    state: { ...state, current: { ...newState, historicalReceiverData: NO_HISTORY } },
    received: [{ kind: 'proposal' }],
    wipe: [],
  };
}
