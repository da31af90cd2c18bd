/** How fast counters grow. Time is passed in, ms. */
export class Meter<C extends Readonly<Record<string, number>>> {
  readonly #last = new Map<string, { readonly counters: C; readonly at: number }>();

  /** Growth of each counter since the last look under the key, a second; nothing at the first look. A counter never falls. */
  look(key: string, counters: C, now: number): C {
    const last = this.#last.get(key);
    this.#last.set(key, { counters, at: now });
    const seconds = last ? (now - last.at) / 1_000 : 0;
    const growth = Object.entries(counters).map(([name, value]) => {
      const grown = seconds > 0 ? (value - (last?.counters[name] ?? value)) / seconds : 0;
      return [name, Math.max(0, grown)];
    });
    return Object.fromEntries(growth) as C;
  }

  /** Forgets what is not there any more. */
  keep(keys: { has(key: string): boolean }): void {
    for (const key of this.#last.keys()) if (!keys.has(key)) this.#last.delete(key);
  }
}
