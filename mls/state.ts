/** Everything that a device knows about a group: one immutable value, from which each step makes the next. */
import type { ClientState, RatchetTree } from 'ts-mls';
import { HawserError } from '#signalling/errors.ts';
import type { GroupId } from '#signalling/ids.ts';
import type { Past } from './past.ts';
import type { CommitPlan } from './rules.ts';
import type { Waiting } from './waiting.ts';
import { groupIdIn } from './wire.ts';

/**
 * A commit of this device that the hub has not answered. The state before it stays whole beside it, secrets included: when another
 * commit wins, only that state can process the winner.
 */
export interface Pending {
  /** The request id under which the hub answers; the own commit is recognised by it and never processed. */
  readonly id: string;
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array | undefined;
  /** Of the epoch that the commit makes, without the tree. */
  readonly groupInfo: Uint8Array;
  /** What becomes current when the hub accepts it. */
  readonly next: ClientState;
  readonly plan: CommitPlan;
}

export interface GroupState {
  /** Undefined only for a device whose own external commit is not accepted yet. Its `historicalReceiverData` is always empty. */
  readonly current: ClientState | undefined;
  readonly past: Past;
  readonly pending: Pending | undefined;
  readonly waiting: Waiting;
}

export function freshState(current: ClientState | undefined, pending?: Pending): GroupState {
  return { current, past: new Map(), pending, waiting: new Map() };
}

/** The current state of a member. @throws {HawserError} MLS_NOT_MEMBER before joining and after having been removed */
export function memberState({ current }: GroupState): ClientState {
  if (current === undefined || current.groupActiveState.kind !== 'active') throw new HawserError('MLS_NOT_MEMBER');
  return current;
}

export function groupOf({ current, pending }: GroupState): GroupId {
  const state = current ?? pending?.next;
  if (state === undefined) throw new HawserError('MLS_NOT_MEMBER');
  return groupIdIn(state.groupContext.groupId);
}

export const NO_HISTORY: ClientState['historicalReceiverData'] = new Map();

/** The tree of an epoch that is current or past, as far as it is known. */
export function treeOf({ current, past }: GroupState, epoch: bigint): RatchetTree | undefined {
  return current?.groupContext.epoch === epoch ? current.ratchetTree : past.get(epoch)?.data.ratchetTree;
}
