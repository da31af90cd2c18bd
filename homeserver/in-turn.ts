/** A measurement over the recent past that whoever reads it, however often, leaves as it is. */

/**
 * Two of a measurement begin anew in turn, at each `turn`; the older one is read. So it always reaches back for at least one and at most two
 * turns, and with readers that come once a turn or more often nothing stays unread.
 */
export class InTurn<M extends { reset(): void }> {
  #older: M;
  #newer: M;

  constructor(make: () => M) {
    [this.#older, this.#newer] = [make(), make()];
  }

  get older(): M {
    return this.#older;
  }

  get both(): readonly M[] {
    return [this.#older, this.#newer];
  }

  /** To be called in even times. */
  turn(): void {
    this.#older.reset();
    [this.#older, this.#newer] = [this.#newer, this.#older];
  }
}
