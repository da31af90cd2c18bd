/**
 * One piece of work at a time for each file. Who comes later wins: a device that lost its connection comes back over
 * another one long before the server has noticed that the first is dead.
 */
import { HawserError } from '#signalling/errors.ts';

interface Turn {
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

export class Turns {
  readonly #current = new Map<string, Turn>();

  /** Files that are being worked on. */
  get size(): number {
    return this.#current.size;
  }

  /**
   * Ends the work that goes on for the key, waits until it has ended, and does this one.
   * @param work looks at the signal where it can be ended
   * @throws HawserError HOME_ASSET_OVERTAKEN where a later one came before this one began
   */
  async take<T>(key: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const before = this.#current.get(key);
    const controller = new AbortController();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const mine: Turn = { controller, done };
    this.#current.set(key, mine);
    try {
      before?.controller.abort(new HawserError('HOME_ASSET_OVERTAKEN'));
      await before?.done;
      controller.signal.throwIfAborted();
      return await work(controller.signal);
    } finally {
      if (this.#current.get(key) === mine) this.#current.delete(key);
      resolve();
    }
  }
}
