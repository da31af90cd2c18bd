/**
 * When which packet goes out: moments come at even distances, and the packets of each at their places between two of
 * them. Time is given, nothing waits here.
 */

export interface Paced {
  /** Place in the time until the next moment, 0 to 1. */
  readonly at: number;
}

/** Whoever is further behind than this, ms, leaves moments out as a camera would, instead of sending a flood. */
const PATIENCE_MS = 500;
/** Most that one look may make up, ms. */
const CATCH_UP_MS = 6;

/**
 * The time that a process with many senders acts upon. After it was kept from the processor all of them would send at
 * once, which people on devices of their own never do, and would flood the media server's socket (measured: 250 packets
 * lost in 20 s on an otherwise idle machine, none with this); so the lost time is made up in small steps, or given up
 * where it is too long.
 */
export function steadyClock(clock: number, now: number): number {
  return now - clock > PATIENCE_MS ? now : Math.min(now, clock + CATCH_UP_MS);
}

export class Pacer<P extends Paced> {
  readonly #interval: number;
  readonly #next: () => readonly P[];
  readonly #waiting: { readonly due: number; readonly packet: P }[] = [];
  #moment: number;
  /** Moments that were left out. */
  skipped = 0;

  /** @param interval ms between two moments. @param begin ms, of the first. @param next the packets of a moment, in their order */
  constructor(interval: number, begin: number, next: () => readonly P[]) {
    this.#interval = interval;
    this.#moment = begin;
    this.#next = next;
  }

  /** Everything that is due, in order. @param now ms; never goes back */
  due(now: number): P[] {
    if (now - this.#moment > PATIENCE_MS) {
      const moments = Math.floor((now - this.#moment) / this.#interval);
      this.skipped += moments;
      this.#moment += moments * this.#interval;
    }
    while (this.#moment <= now) {
      for (const packet of this.#next()) {
        this.#waiting.push({ due: this.#moment + packet.at * this.#interval, packet });
      }
      this.#moment += this.#interval;
    }
    const later = this.#waiting.findIndex(({ due }) => due > now);
    return this.#waiting.splice(0, later === -1 ? this.#waiting.length : later).map(({ packet }) => packet);
  }
}
