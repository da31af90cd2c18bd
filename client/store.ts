/** A value that changes as a whole and tells whoever listens. Every piece of state of the SDK is one of these. */
export class Store<S> {
  #state: S;
  readonly #listeners = new Set<(state: S) => void>();

  constructor(initial: S) {
    this.#state = initial;
  }

  get state(): S {
    return this.#state;
  }

  /** States the next value; the same value again tells nobody. */
  set(next: S): void {
    if (Object.is(next, this.#state)) return;
    this.#state = next;
    for (const listener of [...this.#listeners]) listener(next);
  }

  /** Returns the function that stops listening. */
  subscribe(listener: (state: S) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves with the first value, now or later, that satisfies the condition; rejects when the signal aborts. */
  when<T extends S = S>(condition: (state: S) => boolean, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = (state: S): boolean => {
        if (!condition(state)) return false;
        stop();
        signal?.removeEventListener('abort', abort);
        resolve(state as T);
        return true;
      };
      const abort = () => {
        stop();
        reject(signal?.reason);
      };
      const stop = this.subscribe(check);
      if (check(this.#state)) return;
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }
}
