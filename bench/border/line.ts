/**
 * One direction of a line that is worse than loopback: packets get lost at random, and no more than a certain rate goes
 * through. Pure: says what becomes of a packet and touches none.
 */
import { seededRandom } from './random.ts';

/** The same for each direction, but each direction has its own dice and its own rate. */
export interface Impairment {
  /** Per cent of all packets, RTP and RTCP alike; 0 for none. */
  readonly lossPercent: number;
  /** Mbit/s of UDP payload; as fast as it comes when left out. */
  readonly rateLimitMbit?: number;
  /** The same seed loses the same packets of a direction: its first, its seventeenth, and so on. */
  readonly seed: number;
}

/** Gone at random, gone because the queue was full, or when it leaves the line, ms. */
export type Fate = 'lost' | 'limited' | number;

/** What may leave at once after a silence. */
const BURST_MS = 5;
/** Longest wait: what comes while so much waits is dropped. A router's queue at the end of a line is of this size. */
const QUEUE_MS = 100;

/**
 * A token bucket before a queue that drops what comes last, by virtual scheduling (GCRA, ITU-T I.371): instead of counting
 * tokens it keeps the moment at which the bare rate would be done with all that it took, so that no timer's lateness
 * makes it slower.
 */
export class RateLimit {
  readonly #bytesPerMs: number;
  #doneAt = Number.NEGATIVE_INFINITY;

  constructor(mbit: number) {
    this.#bytesPerMs = (mbit * 1e6) / 8 / 1_000;
  }

  /** When a packet that comes now leaves, ms, never before an earlier one; undefined where the queue has no room for it. */
  departure(bytes: number, now: number): number | undefined {
    const doneAt = Math.max(this.#doneAt, now) + bytes / this.#bytesPerMs;
    const leaves = Math.max(now, doneAt - BURST_MS);
    if (leaves - now > QUEUE_MS) return undefined;
    this.#doneAt = doneAt;
    return leaves;
  }
}

export class Line {
  readonly #lossPercent: number;
  readonly #random: () => number;
  readonly #limit: RateLimit | undefined;

  /** @param index of the direction, so that the traffic of one does not change what another one loses */
  constructor({ lossPercent, rateLimitMbit, seed }: Impairment, index: number) {
    this.#lossPercent = lossPercent;
    this.#random = seededRandom(seed + index);
    this.#limit = rateLimitMbit === undefined ? undefined : new RateLimit(rateLimitMbit);
  }

  /** @param now ms; never less than before */
  fateOf(bytes: number, now: number): Fate {
    // Drawn for every packet, so that the nth is lost or not whatever became of those before it.
    if (this.#random() * 100 < this.#lossPercent) return 'lost';
    return this.#limit === undefined ? now : (this.#limit.departure(bytes, now) ?? 'limited');
  }
}
