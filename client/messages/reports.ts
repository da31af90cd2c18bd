/** What this person's devices tell senders: who got and who read what they said. Gathered for a moment, so that many are one message. */
import type { Report } from '#client/content/content.ts';
import { MAX_REPORTED } from '#client/content/limits.ts';
import type { MessageId } from '#client/content/message-id.ts';

/** People in a conversation in which senders are told. Each message costs a report of everybody to everybody. */
export const MAX_REPORTING = 30;
/** How long reports are gathered, ms. */
const GATHER_MS = 400;

export class Reports {
  readonly #send: (reports: readonly Report[]) => void;
  readonly #pending = new Map<MessageId, 'delivered' | 'read'>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param send is given no more than one message can hold */
  constructor(send: (reports: readonly Report[]) => void) {
    this.#send = send;
  }

  add(message: MessageId, status: 'delivered' | 'read'): void {
    // Whoever read it has got it.
    if (this.#pending.get(message) !== 'read') this.#pending.set(message, status);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#flush(), GATHER_MS);
    if (typeof this.#timer === 'object') this.#timer.unref?.();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#pending.clear();
  }

  #flush(): void {
    this.#timer = undefined;
    const all = [...this.#pending].map(([message, status]): Report => ({ message, status }));
    this.#pending.clear();
    for (let from = 0; from < all.length; from += MAX_REPORTED) this.#send(all.slice(from, from + MAX_REPORTED));
  }
}
