/**
 * Bytes a second of each key, in bursts of twice as many. Whoever has some left may send a body of any size, and pays for it afterwards: so
 * the largest one comes in too, and small ones behind it wait.
 */
import { type Bucket, filled } from './limits.ts';

export class ByteBudget {
  readonly #buckets = new Map<string, Bucket>();

  /** @returns ms until the key may send more; 0 where it may now, and the bytes are counted */
  take(key: string, bytes: number, perSecond: number, now: number): number {
    const bucket = filled(this.#buckets.get(key), { perSecond, burst: perSecond * 2 }, now);
    const mayCome = bucket.tokens > 0;
    // What is refused costs nothing, or whoever keeps asking would never be let in again.
    this.#buckets.set(key, mayCome ? { tokens: bucket.tokens - bytes, at: now } : bucket);
    return mayCome ? 0 : Math.ceil(((1 - bucket.tokens) / perSecond) * 1_000);
  }
}
