/**
 * Work that nobody waits for: one after the other, so that what people do need not wait for much of it. What fails is told, and holds
 * nothing behind it.
 */
import { Queue } from '#mls/queue.ts';

export class Errands {
  readonly #queue = new Queue();
  readonly #onFault: (error: unknown) => void;
  #closed = false;

  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** To be looked at within a long one, which ends then at a place where it can go on later. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Resolves when it is done, or not begun any more; never rejects. */
  run(work: () => Promise<void>): Promise<void> {
    return this.#queue.run(async () => {
      if (!this.#closed) await work().catch(this.#onFault);
    });
  }

  /** Resolves when nothing goes on. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue.run(async () => undefined);
  }
}
