/** What the devices of a conversation say about its calls: who rings, who answered and how, and what came of each. */
import type { Conversation } from '#signalling/client-home.ts';
import { type ConferenceId, type ConversationId, type DeviceId, type UserId, userOfDevice } from '#signalling/ids.ts';
import type { CallAnswer, CallSignal } from '../content/call-signal.ts';
import type { Session } from '../content/session.ts';
import { Store } from '../store.ts';
import type { Vault } from '../vault/vault.ts';
import { type CallAnswers, withAnswer } from './answers.ts';
import { CallLog } from './log.ts';

export interface CallsOptions {
  readonly self: DeviceId;
  /** Stops to ring here. */
  readonly silence: (conversation: ConversationId) => void;
  /** ms since 1970 */
  readonly now: () => number;
  readonly onFault: (error: unknown) => void;
}

export class Calls {
  /** Calls that this person went on with on another device. */
  readonly moved = new Store<ReadonlySet<ConferenceId>>(new Set());
  /** Of other people. */
  readonly answers = new Store<CallAnswers>(new Map());
  readonly log: CallLog;
  readonly #options: CallsOptions;
  /** What goes on, as the homeserver told last; undefined until it has. */
  #ongoing: ReadonlySet<ConferenceId> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(log: CallLog, options: CallsOptions) {
    this.log = log;
    this.#options = options;
  }

  /** @throws HawserError VAULT_DAMAGED */
  static async open(vault: Vault, options: CallsOptions): Promise<Calls> {
    return new Calls(await CallLog.open(vault, userOfDevice(options.self)), options);
  }

  /** A device of the conversation, which may be this one, began a call or answered to one. @param at ms since 1970 */
  hear(conversation: ConversationId, device: DeviceId, said: CallAnswer | Session, at: number): void {
    const by = userOfDevice(device);
    if (!('signal' in said)) {
      const { conference } = said;
      if (conference !== undefined) this.#note(() => this.log.began({ conference, conversation, by, at }));
      return;
    }
    const { conference, signal } = said;
    const how = outcomeOf(signal);
    if (how) this.#note(() => this.log.answered(conference, by, how));
    if (by !== this.#user) this.answers.set(withAnswer(this.answers.state, by, said));
    else if (device !== this.#options.self && signal !== 'ringing') this.#options.silence(conversation);
    if (by === this.#user && device !== this.#options.self && signal === 'moved')
      this.moved.set(this.moved.state.union(new Set([conference])));
  }

  /** This device said it itself. */
  said(conference: ConferenceId, signal: CallSignal): void {
    const how = outcomeOf(signal);
    if (how) this.#note(() => this.log.answered(conference, this.#user, how));
    // He is back on this one.
    if (signal === 'moved') this.moved.set(this.moved.state.difference(new Set([conference])));
  }

  /** The person has looked at the list of calls. */
  see(): void {
    this.#note(() => this.log.see());
  }

  /** What the homeserver tells. */
  follow(conversations: readonly Conversation[]): void {
    this.#ongoing = new Set(conversations.flatMap(({ call }) => (call ? [call.conference] : [])));
    this.#note(async () => undefined);
  }

  get #user(): UserId {
    return userOfDevice(this.#options.self);
  }

  /** One after the other; of what is over by now it is noted that it is. */
  #note(work: () => Promise<void>): void {
    this.#last = this.#last
      .then(work)
      .then(() => this.#ongoing && this.log.follow(this.#ongoing, this.#options.now()))
      .catch(this.#options.onFault);
  }
}

function outcomeOf(signal: CallSignal): 'accepted' | 'declined' | undefined {
  if (signal === 'moved') return 'accepted';
  return signal === 'accepted' || signal === 'declined' ? signal : undefined;
}
