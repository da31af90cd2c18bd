/** The connection to one's own SFT: dialled, joined, and turned into the calls that the media engine needs. */

import type { CallTicket } from '#signalling/client-home.ts';
import { CLIENT_SFT } from '#signalling/client-sft.ts';
import type { Result } from '#signalling/contract.ts';
import { type Closing, type NotificationHandlers, Rpc } from '#signalling/rpc.ts';
import type { Dial } from '../dial.ts';

export type SftRpc = Rpc<typeof CLIENT_SFT, 'dialler'>;
export type SftNotifications = NotificationHandlers<typeof CLIENT_SFT, 'dialler'>;
export type JoinResult = Result<typeof CLIENT_SFT, 'join'>;

export interface SignallingOptions {
  readonly ticket: CallTicket;
  readonly dial: Dial;
  readonly signal: AbortSignal;
  readonly notifications: SftNotifications;
  readonly onClose: (closing: Closing) => void;
  readonly onOpen?: () => void;
}

/** @throws HawserError as the SFT refuses, or SIG_UNREACHABLE */
export async function joinSft(options: SignallingOptions): Promise<{ rpc: SftRpc; joined: JoinResult }> {
  const { ticket } = options;
  const socket = await options.dial(ticket.sft, CLIENT_SFT, options.signal);
  options.onOpen?.();
  const rpc: SftRpc = new Rpc({
    contract: CLIENT_SFT,
    side: 'dialler',
    socket,
    requests: {},
    notifications: options.notifications,
    onClose: options.onClose,
  });
  try {
    return { rpc, joined: await rpc.request('join', { conference: ticket.call.conference, ticket: ticket.ticket }) };
  } catch (error) {
    rpc.close();
    throw error;
  }
}
