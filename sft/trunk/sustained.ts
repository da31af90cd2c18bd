/** Tells a state that lasts from one that passes. Time is passed in, ms. */
export class Sustained {
  readonly #ms: number;
  #since: number | undefined;

  /** @param ms how long something must hold without a pause */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** True when it has held at every look for the whole time, this one included. */
  look(holds: boolean, now: number): boolean {
    if (!holds) {
      this.#since = undefined;
      return false;
    }
    this.#since ??= now;
    return now - this.#since >= this.#ms;
  }

  reset(): void {
    this.#since = undefined;
  }
}
