/** Token buckets: so many requests a second for each key (an address, a peer), in a burst twice as many or as is said. */

interface Bucket {
  readonly tokens: number;
  /** ms */
  readonly at: number;
}

/** Bound of the table; the keys that were quiet longest go first, and they have full buckets anyway. */
const MAX_KEYS = 20_000;

export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param burst that may come at once, of those that are rarer than one a second for instance */
  constructor(perSecond: number, now: () => number, burst = perSecond * 2) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#now = now;
  }

  /**
   * Counts one request of the key; false where it is one too many.
   * @param perSecond where it is another one for this key; the burst is twice as many then
   */
  take(key: string, perSecond?: number): boolean {
    const now = this.#now();
    const burst = perSecond === undefined ? this.#burst : perSecond * 2;
    const before = this.#buckets.get(key) ?? { tokens: burst, at: now };
    const elapsed = Math.max(0, now - before.at) / 1_000;
    const tokens = Math.min(burst, before.tokens + elapsed * (perSecond ?? this.#perSecond));
    this.#buckets.delete(key);
    // A refused request costs nothing, or whoever keeps asking would never be let in again.
    this.#buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    const oldest = this.#buckets.keys().next().value;
    if (this.#buckets.size > MAX_KEYS && oldest !== undefined) this.#buckets.delete(oldest);
    return tokens >= 1;
  }
}
