/**
 * Passes on the newest of what comes under a key, the first at once and then no more often than once in a while: what comes
 * between is replaced, which does no harm to statements that are whole.
 */
export class Newest<K, V> {
  readonly #everyMs: number;
  readonly #deliver: (key: K, value: V) => void;
  readonly #waiting = new Map<K, { value: V | undefined; timer: ReturnType<typeof setTimeout> }>();
  readonly #taken = new Map<K, number>();

  constructor(everyMs: number, deliver: (key: K, value: V) => void) {
    this.#everyMs = everyMs;
    this.#deliver = deliver;
  }

  take(key: K, value: V): void {
    this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    const waiting = this.#waiting.get(key);
    if (waiting) waiting.value = value;
    else this.#pass(key, value);
  }

  /** How many came under one key since the last call, of the key with the most of them. */
  countMost(): number {
    const most = Math.max(0, ...this.#taken.values());
    this.#taken.clear();
    return most;
  }

  close(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  #pass(key: K, value: V): void {
    const timer = setTimeout(() => {
      const next = this.#waiting.get(key)?.value;
      this.#waiting.delete(key);
      if (next !== undefined) this.#pass(key, next);
    }, this.#everyMs);
    this.#waiting.set(key, { value: undefined, timer });
    this.#deliver(key, value);
  }
}
