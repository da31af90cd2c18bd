/**
 * Sums of counters whose owners come and go, such as the streams of trunks. The sums never go back: Prometheus takes each fall for a restart,
 * and would count whatever is left a second time. What an owner counted after the last reading before its end is lost. Pure.
 */

export interface Counted<Labels> {
  /** Of the owner, and of what it counts. */
  readonly id: string;
  readonly labels: Labels;
  /** Since the owner began. */
  readonly value: number;
}

export interface Sum<Labels> {
  readonly labels: Labels;
  readonly value: number;
}

export class Tally<Labels extends object> {
  readonly #sums = new Map<string, { readonly labels: Labels; value: number }>();
  /** By owner. */
  #last: ReadonlyMap<string, number> = new Map();

  /** @param readings of all owners that there are now, none older than those of the last call */
  take(readings: readonly Counted<Labels>[]): Sum<Labels>[] {
    const now = new Map<string, number>();
    for (const { id, labels, value } of readings) {
      const before = this.#last.get(id) ?? 0;
      const key = JSON.stringify(labels);
      const sum = this.#sums.get(key) ?? { labels, value: 0 };
      // Another owner of the same name has begun anew.
      sum.value += value < before ? value : value - before;
      this.#sums.set(key, sum);
      now.set(id, value);
    }
    this.#last = now;
    return [...this.#sums.values()].map(({ labels, value }) => ({ labels, value }));
  }
}
