/**
 * What this person's devices tell senders: who got and who read what they said. Gathered for a moment, so that many are one
 * message. What is to be told is stored with what it is about, and goes in the write that says it: it is told once, whenever
 * the program ends.
 */
import type { Report } from '#client/content/content.ts';
import { MAX_REPORTED } from '#client/content/limits.ts';
import type { MessageId } from '#client/content/message-id.ts';
import type { Changes } from '#mls/journal.ts';
import type { ConversationId } from '#signalling/ids.ts';
import type { Vault } from '../vault/vault.ts';

/** People in a conversation in which senders are told. Each message costs a report of everybody to everybody. */
export const MAX_REPORTING = 30;
/** How long reports are gathered, ms. */
const GATHER_MS = 400;

/** That this person got a message of somebody else, or read it. */
export interface OwnReport {
  readonly message: MessageId;
  readonly status: 'delivered' | 'read';
}

export interface ReportsOptions {
  readonly conversation: ConversationId;
  readonly vault: Vault;
  /** Says them, and stores `also` together with that. Given no more than one message can hold. */
  readonly say: (reports: readonly Report[], also: () => Changes) => Promise<unknown>;
  readonly onFault: (error: unknown) => void;
}

export class Reports {
  readonly #options: ReportsOptions;
  readonly #pending: Map<MessageId, OwnReport['status']>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isTelling = false;
  #closed = false;

  private constructor(options: ReportsOptions, pending: Map<MessageId, OwnReport['status']>) {
    this.#options = options;
    this.#pending = pending;
    this.#flushSoon();
  }

  /** With what was not told yet when the program ended. */
  static async open(options: ReportsOptions): Promise<Reports> {
    const prefix = reportsPrefix(options.conversation);
    const pending = new Map<MessageId, OwnReport['status']>();
    for (const [key, bytes] of await options.vault.list(prefix)) {
      pending.set(key.slice(prefix.length) as MessageId, bytes[0] === READ ? 'read' : 'delivered');
    }
    return new Reports(options, pending);
  }

  /** To be stored together with what they are about. */
  records(reports: readonly OwnReport[]): Changes {
    const changes = new Map<string, Uint8Array>();
    for (const { message, status } of reports) {
      if (this.#pending.get(message) === 'read') continue;
      changes.set(this.#key(message), Uint8Array.of(status === 'read' ? READ : DELIVERED));
    }
    return changes;
  }

  /** They are stored, and are told soon. */
  add(reports: readonly OwnReport[]): void {
    for (const { message, status } of reports) {
      // Whoever read it has got it.
      if (this.#pending.get(message) !== 'read') this.#pending.set(message, status);
    }
    this.#flushSoon();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #flushSoon(): void {
    if (this.#timer !== undefined || this.#isTelling || this.#closed || this.#pending.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isTelling = true;
      this.#flush()
        .finally(() => {
          this.#isTelling = false;
        })
        // What could not be stored stays, and is told with the next one.
        .then(() => this.#flushSoon(), this.#options.onFault);
    }, GATHER_MS);
    if (typeof this.#timer === 'object') this.#timer.unref?.();
  }

  async #flush(): Promise<void> {
    const all = [...this.#pending].map(([message, status]): OwnReport => ({ message, status }));
    for (let from = 0; from < all.length; from += MAX_REPORTED) {
      const some = all.slice(from, from + MAX_REPORTED);
      // Looked at when it is stored: what was read meanwhile is still to be told.
      const isTold = ({ message, status }: OwnReport) => this.#pending.get(message) === status;
      await this.#options.say(
        some,
        () => new Map(some.filter(isTold).map(({ message }) => [this.#key(message), undefined])),
      );
      for (const report of some) if (isTold(report)) this.#pending.delete(report.message);
    }
  }

  #key(message: MessageId): string {
    return `${reportsPrefix(this.#options.conversation)}${message}`;
  }
}

const DELIVERED = 1;
const READ = 2;

export function reportsPrefix(conversation: ConversationId): string {
  return `report/${conversation}/`;
}
