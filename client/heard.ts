/**
 * What others say, for a program that answers: each message until the program is done with it, also across restarts. It is
 * stored together with the keys that read it, and forgotten together with the answer, so that a crash at any moment neither
 * swallows a message nor has it answered twice.
 */
import { decode, encode } from 'cborg';
import type { Changes } from '#mls/journal.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import type { Body, Content } from './content/content.ts';
import type { MessageId } from './content/message-id.ts';
import type { Said } from './messages/records.ts';
import { Store } from './store.ts';
import { ordinal } from './vault/record-key.ts';
import type { Vault } from './vault/vault.ts';

export interface Heard {
  readonly conversation: ConversationId;
  readonly id: MessageId;
  readonly sender: UserId;
  /** When the hub accepted it, ms since 1970. */
  readonly at: number;
  readonly body: Body;
  /** Says something in the same conversation. Once it is stored, the message is not heard again. */
  answer(content: Content): Promise<MessageId>;
}

type Say = (conversation: ConversationId, content: Content, also: () => Changes) => Promise<MessageId>;
type Stored = Omit<Heard, 'answer'>;

const PREFIX = 'heard/';
/** Raised when a record is read in another way. */
const VERSION = 1;

export class HeardMessages {
  readonly #vault: Vault;
  readonly #say: Say;
  /** How many times something may have come; it wakes whoever listens. */
  readonly #came = new Store(0);
  #next: number;

  private constructor(vault: Vault, say: Say, next: number) {
    this.#vault = vault;
    this.#say = say;
    this.#next = next;
  }

  static async open(vault: Vault, say: Say): Promise<HeardMessages> {
    for await (const page of vault.pages(PREFIX, { reverse: true, size: 1 })) {
      const [newest] = page.keys();
      if (newest !== undefined) return new HeardMessages(vault, say, numberOf(newest) + 1);
    }
    return new HeardMessages(vault, say, 0);
  }

  /** To be stored together with the message; `came` is to be called when it is. */
  note(conversation: ConversationId, { id, sender, at, content }: Said): Changes {
    if (content.kind !== 'message') return new Map();
    const stored: Stored = { conversation, id, sender, at, body: content.body };
    // A number is used once, even where nothing was stored under it in the end: gaps mean nothing.
    const key = `${PREFIX}${ordinal(this.#next++)}`;
    return new Map([[key, new Uint8Array(encode([VERSION, stored]))]]);
  }

  came(): void {
    this.#came.set(this.#came.state + 1);
  }

  /**
   * All messages that the program is not done with, then those that come. It is done with one when it answered it or asks for
   * the next; one at which it stops listening, or throws, is heard again the next time.
   * @param signal ends the listening
   */
  async *listen(signal: AbortSignal): AsyncGenerator<Heard, void, undefined> {
    let from = 0;
    while (!signal.aborted) {
      const { state } = this.#came;
      for await (const page of this.#vault.pages(PREFIX, { from })) {
        for (const [key, bytes] of page) {
          from = numberOf(key) + 1;
          const done: Changes = new Map([[key, undefined]]);
          const stored = read(bytes);
          if (stored) yield { ...stored, answer: (content) => this.#say(stored.conversation, content, () => done) };
          await this.#vault.write(done);
          if (signal.aborted) return;
        }
      }
      await this.#came.when((now) => now !== state, signal).catch(() => undefined);
    }
  }
}

function numberOf(key: string): number {
  return Number(key.slice(PREFIX.length + 1));
}

/** Undefined where a later version wrote it. */
function read(bytes: Uint8Array): Stored | undefined {
  const item: unknown = decode(bytes);
  return Array.isArray(item) && item[0] === VERSION ? (item[1] as Stored) : undefined;
}
