/**
 * mediasoup looks at what a viewer has room for only when a score, a sender report or its bandwidth estimate changes, and it
 * passes over a stream whose bit rate it has not measured yet. A viewer who waits for one that has just come alive would wait
 * for the estimate, up to 1.07 s, and is therefore nudged at these moments (ms after it came alive; measured with mediasoup
 * 3.27.1).
 */
const MOMENTS_MS = [60, 150, 300];

export class Nudge {
  readonly #again: () => void;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  /** @param again makes mediasoup look at the layers once more */
  constructor(again: () => void) {
    this.#again = again;
  }

  /** Begins anew: a layer has just come alive, or is wanted from now on. */
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
