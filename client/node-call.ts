/** A call of a program on Node: its media is encrypted from device to device, as that of a browser. */
import type { CallTicket } from '#signalling/client-home.ts';
import type { ConversationId, ParticipantId } from '#signalling/ids.ts';
import { Conference, type ConferenceOptions } from './conference/conference.ts';
import { NodeEncryption, type RefusedFrame } from './media/node/encryption.ts';
import { NodeEngine, type NodePublication, type NodeSource, type NodeStream } from './media/node/engine.ts';
import type { Messenger } from './messenger.ts';

export type NodeConference = Conference<NodeSource, NodeStream, NodePublication>;

export interface NodeCallOptions {
  readonly messenger: Messenger;
  readonly conversation: ConversationId;
  /** What came and was not given on. */
  readonly onRefused?: (refused: RefusedFrame) => void;
  readonly conference?: Omit<ConferenceOptions<NodeSource, NodeStream, NodePublication>, 'engine'>;
}

export class NodeCall {
  readonly conference: NodeConference;
  readonly #options: NodeCallOptions;
  readonly #encryption: NodeEncryption;
  #entered: CallTicket | undefined;

  constructor(options: NodeCallOptions) {
    this.#options = options;
    this.#encryption = new NodeEncryption(options.onRefused);
    this.conference = new Conference({
      ...options.conference,
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
    const ticket = await messenger.home.startCall(conversation);
    this.#entered = ticket;
    try {
      await Promise.all([this.conference.join(ticket), messenger.enterCall(conversation, ticket, this.#encryption)]);
    } catch (error) {
      this.close();
      throw error;
    }
    return ticket.participant;
  }

  /** Leaves. */
  close(): void {
    this.conference.close();
    this.#forget();
  }

  #forget(): void {
    const { messenger, conversation } = this.#options;
    if (this.#entered) messenger.leaveCall(conversation, this.#entered);
    this.#entered = undefined;
  }
}
