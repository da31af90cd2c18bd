/** How many things of one key, and in all, may go on at once: transfers of a person, for instance. */
export class Slots {
  readonly #perKey: number;
  readonly #total: number;
  readonly #taken = new Map<string, number>();
  #all = 0;

  constructor(perKey: number, total: number) {
    this.#perKey = perKey;
    this.#total = total;
  }

  get taken(): number {
    return this.#all;
  }

  /** Takes one; returns how to give it back, or undefined where none is free. */
  take(key: string): (() => void) | undefined {
    const own = this.#taken.get(key) ?? 0;
    if (own >= this.#perKey || this.#all >= this.#total) return undefined;
    this.#taken.set(key, own + 1);
    this.#all += 1;
    let isBack = false;
    return () => {
      if (isBack) return;
      isBack = true;
      this.#all -= 1;
      const left = (this.#taken.get(key) ?? 1) - 1;
      if (left === 0) this.#taken.delete(key);
      else this.#taken.set(key, left);
    };
  }
}
