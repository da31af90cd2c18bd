/**
 * What one person has decided about another, and what follows from it. Each of the two has a side, kept by their own
 * homeserver, and states one thing to the other: whether they want to be connected. That is absolute, so that a statement
 * which comes late or twice does no harm, and it is all: who ignores, blocks, or ends a connection looks like somebody who
 * has not answered. Pure.
 */
import type { ConnectionOperation, ConnectionState } from '#signalling/connections.ts';
import { HawserError } from '#signalling/errors.ts';

export type Decision = 'none' | 'wanted' | 'ignored' | 'blocked';

export interface Side {
  readonly decision: Decision;
  /** Whether the other one wants to be connected, as last stated. */
  readonly isWanted: boolean;
}

/** Between people who have never heard of each other. */
export const STRANGERS: Side = { decision: 'none', isWanted: false };

/**
 * The owner of a side does something. What is so already may be done again and changes nothing.
 * @throws HawserError HOME_NO_REQUEST, HOME_BLOCKED
 */
export function act(side: Side, operation: ConnectionOperation): Side {
  const { decision, isWanted } = side;
  switch (operation) {
    case 'request':
      if (decision === 'blocked') throw new HawserError('HOME_BLOCKED');
      return { ...side, decision: 'wanted' };
    case 'accept':
      if (decision === 'blocked') throw new HawserError('HOME_BLOCKED');
      if (!isWanted) throw new HawserError('HOME_NO_REQUEST');
      return { ...side, decision: 'wanted' };
    case 'ignore':
      if (stateOf(side) !== 'received' && stateOf(side) !== 'ignored') throw new HawserError('HOME_NO_REQUEST');
      return { ...side, decision: 'ignored' };
    case 'cancel':
      // The wish of the other one is still there when a connection ends; it must not come up as a new request.
      return decision === 'wanted' ? { ...side, decision: isWanted ? 'ignored' : 'none' } : side;
    case 'block':
      return { ...side, decision: 'blocked' };
    case 'unblock':
      return decision === 'blocked' ? { ...side, decision: isWanted ? 'ignored' : 'none' } : side;
  }
}

/** The other side states whether it wants to be connected. Never refused: the answer would tell of a block. */
export function hear(side: Side, isWanted: boolean): Side {
  return { ...side, isWanted };
}

/** What a side states to the other one. */
export function wants({ decision }: Side): boolean {
  return decision === 'wanted';
}

/** What the owner of a side is shown. */
export function stateOf({ decision, isWanted }: Side): ConnectionState {
  switch (decision) {
    case 'blocked':
      return 'blocked';
    case 'wanted':
      return isWanted ? 'connected' : 'sent';
    case 'ignored':
      // Kept where the request was taken back: asking again and again shall not help.
      return isWanted ? 'ignored' : 'none';
    case 'none':
      return isWanted ? 'received' : 'none';
  }
}

export interface Between {
  /** What the one who wants to reach sees. */
  readonly from: ConnectionState;
  /** What the one to be reached sees. */
  readonly to: ConnectionState;
  readonly areTeamMates: boolean;
}

/** Whether somebody may be written to and called by another. Who blocks is not reached, and does not reach either. */
export function isReachable({ from, to, areTeamMates }: Between): boolean {
  if (from === 'blocked' || to === 'blocked') return false;
  return areTeamMates || (from === 'connected' && to === 'connected');
}
