/**
 * mediasoup looks at the layers of a viewer only when a score, a sender report or its bandwidth estimate changes, and it
 * passes over a layer that is younger than two seconds. It also passes over every layer but the first until three sender
 * reports have told it the clock of the other end, which on a new trunk takes 3.3 s. A viewer who could have a better picture is therefore nudged at the
 * moments that count (ms after the layer came alive; measured with mediasoup 3.27.1).
 */
const MOMENTS_MS = [60, 150, 300, 2_030, 2_120, 3_400];

export class Nudge {
  readonly #again: () => void;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  /** @param again makes mediasoup look at the layers once more */
  constructor(again: () => void) {
    this.#again = again;
  }

  /** Begins anew: a layer has just come alive, or a higher one is wanted. */
  start(): void {
    this.stop();
    for (const moment of MOMENTS_MS) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#again();
      }, moment);
      this.#timers.add(timer);
    }
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
