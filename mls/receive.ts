/** Whatever the hub delivers: sorted by epoch, processed, and after it what had waited for it. */
import { wireformats } from 'ts-mls';
import { HawserError } from '#signalling/errors.ts';
import { processHandshake } from './handshake.ts';
import type { Environment } from './library.ts';
import { decryptMessage } from './messages.ts';
import { type GroupState, groupOf, memberState } from './state.ts';
import type { Received, Step } from './step.ts';
import { reach, wait } from './waiting.ts';
import { parseFramed } from './wire.ts';

/**
 * @param bytes an MLSMessage
 * @throws {HawserError} any of the MLS codes; then nothing changed
 */
export async function receive(state: GroupState, bytes: Uint8Array, environment: Environment): Promise<Step> {
  const first = await receiveOne(state, bytes, environment);
  return settleWaiting(first, environment);
}

/** Processes what had waited for the epoch that a step reached, and so on. A bad one among it stops nothing. */
export async function settleWaiting(step: Step, environment: Environment): Promise<Step> {
  let { state } = step;
  const received: Received[] = [...step.received];
  const wipe = [...step.wipe];
  for (;;) {
    const { current } = state;
    if (current === undefined || current.groupActiveState.kind !== 'active') break;
    const { due, still } = reach(state.waiting, current.groupContext.epoch);
    state = { ...state, waiting: still };
    if (due.length === 0) break;
    for (const bytes of due) {
      try {
        const next = await receiveOne(state, bytes, environment);
        ({ state } = next);
        received.push(...next.received);
        wipe.push(...next.wipe);
      } catch (error) {
        if (!(error instanceof HawserError)) throw error;
        received.push({ kind: 'dropped', code: error.code });
      }
    }
  }
  return { state, received, wipe };
}

async function receiveOne(state: GroupState, bytes: Uint8Array, environment: Environment): Promise<Step> {
  const { message, group, epoch } = parseFramed(bytes);
  if (group !== groupOf(state)) throw new HawserError('MLS_WRONG_GROUP');
  const isHandshake = message.wireformat === wireformats.mls_public_message;
  // A device that joins by its own commit knows no epoch yet. Only that commit, coming back, leads into one; what the others send in
  // that epoch may be here before the hub's answer.
  const joining = state.current === undefined ? state.pending?.next.groupContext.epoch : undefined;
  if (joining !== undefined && isHandshake && epoch < joining)
    return processHandshake(state, message, bytes, environment);
  const now = joining === undefined ? memberState(state).groupContext.epoch : joining - 1n;
  if (epoch > now) {
    const waiting = wait(state.waiting, now, epoch, bytes);
    return { state: { ...state, waiting }, received: [{ kind: 'waiting', epoch }], wipe: [] };
  }
  if (!isHandshake) return decryptMessage(state, message, environment);
  if (epoch < now) throw new HawserError('MLS_EPOCH_PAST');
  return processHandshake(state, message, bytes, environment);
}
