/** Entries as they are sent: as many in one delivery as a device takes at once, and what goes to many is written once. */
import { type Entry, MAX_DELIVERED } from '#signalling/queue.ts';

/** Of one delivery, characters. A single entry may be larger. */
export const MAX_DELIVERY_LENGTH = 512 * 1024;

/** The parts in which entries go out, in their order. */
export function* parts(entries: readonly Entry[]): Generator<readonly Entry[]> {
  let [from, length] = [0, 0];
  for (const [index, { payload }] of entries.entries()) {
    const isFull = index - from === MAX_DELIVERED || length + payload.length > MAX_DELIVERY_LENGTH;
    if (isFull && index > from) {
      yield entries.slice(from, index);
      [from, length] = [index, 0];
    }
    length += payload.length;
  }
  if (from < entries.length) yield entries.slice(from);
}

/** JSON of deliveries, each made once however many devices get it. */
export class Texts {
  readonly #single = new Map<Entry, string>();
  readonly #whole = new Map<string, string>();

  /** @param entries of increasing position */
  of(entries: readonly Entry[]): string {
    const key = entries.map(({ position }) => position).join(' ');
    let text = this.#whole.get(key);
    if (text === undefined) {
      text = `[${entries.map((entry) => this.#of(entry)).join(',')}]`;
      this.#whole.set(key, text);
    }
    return text;
  }

  #of(entry: Entry): string {
    let text = this.#single.get(entry);
    if (text === undefined) {
      text = JSON.stringify(entry);
      this.#single.set(entry, text);
    }
    return text;
  }
}
