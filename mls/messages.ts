/** Application messages (RFC 9420, section 15): one out, one in. */
import { createApplicationMessage, type MlsPrivateMessage, processPrivateMessage } from 'ts-mls';
import { HawserError } from '#signalling/errors.ts';
import { type Environment, withLibrary } from './library.ts';
import { identityOf } from './members.ts';
import { type GroupState, memberState, NO_HISTORY } from './state.ts';
import type { Step } from './step.ts';
import { leafAt, messageBytes } from './wire.ts';

export interface Sent {
  readonly state: GroupState;
  readonly bytes: Uint8Array;
  readonly wipe: readonly Uint8Array[];
}

/**
 * @param authenticatedData readable by the hub and protected from change
 * @throws {HawserError} MLS_NOT_MEMBER, MLS_PROPOSALS_PENDING
 */
export async function encryptMessage(
  state: GroupState,
  content: Uint8Array,
  authenticatedData: Uint8Array,
  environment: Environment,
): Promise<Sent> {
  const current = memberState(state);
  // Section 12.4: whoever saw a proposal commits before he sends, lest a removed member read on.
  if (Object.keys(current.unappliedProposals).length > 0) throw new HawserError('MLS_PROPOSALS_PENDING');
  const { newState, message, consumed } = await withLibrary(environment, 'MLS_REFUSED', (context) =>
    createApplicationMessage({ context, state: current, message: content, authenticatedData }),
  );
  return { state: { ...state, current: newState }, bytes: messageBytes(message), wipe: consumed };
}

/**
 * A message of the current or of a past epoch.
 *
 * The sender's certificates are not looked at again: they were good when he came in, and a message may lie in a queue for longer than
 * they live. Whoever is revoked is removed, and reads and writes nothing from then on.
 * @throws {HawserError} MLS_NOT_MEMBER, MLS_EPOCH_PAST, MLS_UNREADABLE
 */
export async function decryptMessage(
  state: GroupState,
  message: MlsPrivateMessage,
  environment: Environment,
): Promise<Step> {
  const current = memberState(state);
  const { epoch } = message.privateMessage;
  const isCurrent = epoch === current.groupContext.epoch;
  const ended = state.past.get(epoch);
  if (!isCurrent && ended === undefined) throw new HawserError('MLS_EPOCH_PAST');
  const history = ended === undefined ? NO_HISTORY : new Map([[epoch, ended.data]]);
  const result = await withLibrary(environment, 'MLS_UNREADABLE', (context) =>
    processPrivateMessage({
      context,
      state: { ...current, historicalReceiverData: history },
      privateMessage: message.privateMessage,
    }),
  );
  if (result.kind !== 'applicationMessage') throw new HawserError('MLS_UNSUPPORTED', 'a handshake in a message');
  const { newState, senderLeafIndex, consumed } = result;
  const leaf = leafAt(ended?.data.ratchetTree ?? current.ratchetTree, senderLeafIndex);
  if (leaf === undefined) throw new HawserError('MLS_UNREADABLE', 'the sender was not a member');
  const received = {
    kind: 'message',
    epoch,
    sender: { leafIndex: senderLeafIndex, identity: identityOf(leaf) },
    content: result.message.slice(),
    authenticatedData: result.aad.slice(),
  } as const;
  const data = newState.historicalReceiverData.get(epoch);
  const next =
    isCurrent || ended === undefined || data === undefined
      ? { ...state, current: { ...newState, historicalReceiverData: NO_HISTORY } }
      : { ...state, past: new Map(state.past).set(epoch, { ...ended, data }) };
  return { state: next, received: [received], wipe: consumed };
}
