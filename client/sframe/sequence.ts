/** Which frames of one encoder came, in which order, and which of them were shown. */

/** Frames that are looked back at: two seconds of pictures, five of sound. */
const WINDOW = 256;

export class Sequence {
  /** RTP timestamps by number. */
  readonly #came = new Map<number, number>();
  readonly #shown = new Set<number>();
  #highest = -1;

  /**
   * Takes a frame that is genuine. Timestamps follow the numbers: a decoder is given pictures and sound in the order of the
   * former, which whoever forwards them could change.
   * @param timestamp 32 bits, which may wrap
   */
  place(counter: number, timestamp: number): 'repeated' | 'reordered' | undefined {
    if (this.#came.has(counter) || counter <= this.#highest - WINDOW) return 'repeated';
    const before = this.#neighbour(counter, -1);
    const after = this.#neighbour(counter, 1);
    const goesBack = (from: number | undefined, to: number | undefined) =>
      from !== undefined && to !== undefined && ((to - from) | 0) < 0;
    if (goesBack(before, timestamp) || goesBack(timestamp, after)) return 'reordered';
    this.#came.set(counter, timestamp);
    if (counter > this.#highest) this.#forget(counter);
    return undefined;
  }

  /** Whether all of them were shown, so that what builds on them can be. */
  has(counters: readonly number[]): boolean {
    return counters.every((each) => this.#shown.has(each));
  }

  /** Whether nothing of it was shown yet, so that nothing can build on it. */
  get isDark(): boolean {
    return this.#shown.size === 0;
  }

  show(counter: number): void {
    this.#shown.add(counter);
  }

  /** The timestamp of the next frame that came, in one direction. */
  #neighbour(counter: number, step: 1 | -1): number | undefined {
    const end = step === 1 ? this.#highest : this.#highest - WINDOW;
    // Nearly always what came last is the one before.
    const from = step === -1 && counter > this.#highest ? this.#highest + 1 : counter;
    for (let at = from + step; step === 1 ? at <= end : at > end; at += step) {
      const timestamp = this.#came.get(at);
      if (timestamp !== undefined) return timestamp;
    }
    return undefined;
  }

  /** Those that came first are the first to go: behind one that stays, nearly all stay, and this is done for each frame. */
  #forget(highest: number): void {
    this.#highest = highest;
    for (const kept of [this.#came, this.#shown]) {
      for (const counter of kept.keys()) {
        if (counter > highest - WINDOW) break;
        kept.delete(counter);
      }
    }
  }
}
