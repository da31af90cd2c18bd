/**
 * A call of a program on Node: its media is encrypted from device to device, as that of a browser. A connection that breaks is made again: what
 * is sent goes by `conference.published` from then on.
 */
import type { CallTicket } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import { type ConversationId, type ParticipantId, userOfDevice } from '#signalling/ids.ts';
import { ticketThroughLobby } from './calls/lobby.ts';
import { Conference, type ConferenceOptions } from './conference/conference.ts';
import { Reactions, type RefusedSignal } from './conference/reactions.ts';
import type { CallKeys } from './groups/call-groups.ts';
import type { CallRoster } from './groups/call-roster.ts';
import { NodeEncryption, type RefusedFrame } from './media/node/encryption.ts';
import { NodeEngine, type NodePublication, type NodeSource, type NodeStream } from './media/node/engine.ts';
import type { Messenger } from './messenger.ts';
import { Store } from './store.ts';

export type NodeConference = Conference<NodeSource, NodeStream, NodePublication>;

export interface NodeCallOptions {
  readonly messenger: Messenger;
  readonly conversation: ConversationId;
  /** What came and was not given on. */
  readonly onRefused?: (refused: RefusedFrame | RefusedSignal) => void;
  readonly conference?: Omit<ConferenceOptions<NodeSource, NodeStream, NodePublication>, 'engine' | 'onSignalled'>;
}

export class NodeCall {
  readonly conference: NodeConference;
  /** Who has the keys: by the call's group, whatever servers say. Undefined before this program is in. */
  readonly roster = new Store<CallRoster | undefined>(undefined);
  /** Whether somebody who moderates the call has to let this program in first. */
  readonly lobby = new Store(false);
  /** What people show each other by a sign. */
  readonly reactions: Reactions;
  readonly #left = new AbortController();
  readonly #options: NodeCallOptions;
  readonly #encryption: NodeEncryption;
  #entered: CallTicket | undefined;

  constructor(options: NodeCallOptions) {
    this.#options = options;
    this.#encryption = new NodeEncryption(options.onRefused);
    this.reactions = new Reactions({
      send: (payload) => this.conference.signal(payload),
      onRefused: (refused) => options.onRefused?.(refused),
    });
    this.conference = new Conference({
      rejoin: (as) => options.messenger.home.callTicket(options.conversation, as),
      ...options.conference,
      onSignalled: (participant, payload) => void this.reactions.take(participant, payload),
      engine: new NodeEngine({ encryption: this.#encryption }),
    });
    this.conference.store.subscribe(({ phase }) => phase === 'left' && this.#forget());
  }

  /**
   * Comes into the call of the conversation, which it starts where there is none, and resolves when it is in, with its keys.
   * @throws HawserError why it is not let in
   */
  async join(): Promise<ParticipantId> {
    const { messenger, conversation } = this.#options;
    const { home } = messenger;
    const ticket = await ticketThroughLobby(() => home.startCall(conversation), {
      ...{ home, conversation, self: userOfDevice(messenger.device.id), signal: this.#left.signal },
      onWaiting: (isWaiting) => this.lobby.set(isWaiting),
    });
    this.#entered = ticket;
    try {
      const keys: CallKeys = {
        addEpoch: (epoch) => {
          this.#encryption.addEpoch(epoch);
          this.reactions.addEpoch(ticket.call.conference, epoch);
        },
        sendWith: (number) => {
          this.#encryption.sendWith(number);
          this.reactions.sendWith(number);
        },
        onRoster: (roster) => this.roster.set(roster),
      };
      await Promise.all([this.conference.join(ticket), messenger.enterCall(conversation, ticket, keys)]);
    } catch (error) {
      this.close();
      throw error;
    }
    return ticket.participant;
  }

  /** Makes new keys for everybody in the call. @throws HawserError HOME_NO_CALL where it is not in it, and as `CallGroup.renew` */
  async renewKeys(): Promise<void> {
    const { messenger, conversation } = this.#options;
    if (!this.#entered) throw new HawserError('HOME_NO_CALL');
    await messenger.renewCallKeys(conversation, this.#entered);
  }

  /** Leaves. */
  close(): void {
    this.conference.close();
    this.#forget();
  }

  #forget(): void {
    this.#left.abort();
    this.reactions.close();
    const { messenger, conversation } = this.#options;
    if (this.#entered) messenger.leaveCall(conversation, this.#entered);
    this.#entered = undefined;
  }
}
