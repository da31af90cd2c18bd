/** The order of what a device has still to say. Pure: what is stored of it is told by `outbox.ts`. */
import type { OutboxItem } from './outbox.ts';

export class Line {
  #items: readonly OutboxItem[];
  /**
   * Places of those that are known to lie at the own homeserver. Not so after a start: handed in once more, they are taken without
   * effect, or replaced where that homeserver lost them.
   */
  readonly #handedIn = new Set<number>();
  /** The place of one that has to stay behind those before it until it is known what became of them. */
  #held: number | undefined;

  constructor(items: readonly OutboxItem[]) {
    this.#items = items;
  }

  get length(): number {
    return this.#items.length;
  }

  /** The place behind all. */
  get end(): number {
    return (this.#items.at(-1)?.place ?? 0) + 1;
  }

  /** The first that has still to be handed in; undefined where there is none, or it has to stay behind others. */
  get next(): OutboxItem | undefined {
    const next = this.#items.find(({ place }) => !this.#handedIn.has(place));
    const isHeld = next !== undefined && next.place === this.#held && this.#items[0] !== next;
    return isHeld ? undefined : next;
  }

  at(place: number): OutboxItem | undefined {
    return this.#items.find((item) => item.place === place);
  }

  /** Whether it is what stands at its place, under its number. */
  isCurrent({ place, number }: OutboxItem): boolean {
    const item = this.at(place);
    return item !== undefined && item.number === number;
  }

  /** Those with a number in a range, both ends included. */
  numbered(first: number, last: number): readonly OutboxItem[] {
    return this.#items.filter(({ number }) => number !== undefined && number >= first && number <= last);
  }

  /** From a place on, those that have a number. */
  numberedFrom(place: number): readonly OutboxItem[] {
    return this.#items.filter((item) => item.number !== undefined && item.place >= place);
  }

  push(item: OutboxItem): void {
    this.#items = [...this.#items, item];
  }

  /** In place of the one that stands there, and to be handed in. */
  replace(item: OutboxItem): void {
    this.#items = this.#items.map((each) => (each.place === item.place ? item : each));
    this.#handedIn.delete(item.place);
  }

  /** It lies at the own homeserver. */
  handedIn(item: OutboxItem): void {
    this.replace(item);
    this.#handedIn.add(item.place);
  }

  remove({ place }: OutboxItem): void {
    this.#items = this.#items.filter((item) => item.place !== place);
    this.#handedIn.delete(place);
  }

  /** What became of those before it is on its way: until then nothing goes on. */
  hold(place: number): void {
    this.#held = place;
  }

  release(): void {
    this.#held = undefined;
  }
}
