/** A vault over a database that it does not trust with anything but order and durability. */
import { wipe } from '#mls/bytes.ts';
import { Queue } from '#mls/queue.ts';
import { HawserError } from '#signalling/errors.ts';
import { behind, byKey, checkKey, checkPrefix, ordinal, ordinalBehind } from './record-key.ts';
import { layOut, Sealer, type VaultKeys } from './seal.ts';
import { ABOVE_ALL, type Shelf, type ShelfRange, type ShelfRow } from './shelf.ts';
import type { Changes, PageRange, Vault } from './vault.ts';

/** Rows that a long list fetches at once. */
const BATCH = 1_000;
export const DEFAULT_PAGE = 100;

type Records = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

export class SealedVault<S extends Shelf = Shelf> implements Vault {
  readonly #shelf: S;
  readonly #queue = new Queue();
  #sealer: Sealer;
  #closed = false;

  constructor(shelf: S, keys: VaultKeys) {
    this.#shelf = shelf;
    this.#sealer = new Sealer(keys);
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    checkKey(key);
    return this.#run(async (sealer) => {
      const name = await sealer.names.of(key);
      const sealed = await this.#shelf.get(name);
      if (sealed === undefined) return undefined;
      return (await open(sealer, [{ name, sealed }])).get(key);
    });
  }

  async list(prefix: string): Promise<Records> {
    checkPrefix(prefix);
    const { sealer, rows } = await this.#run(async (current) => {
      const path = await current.names.of(prefix);
      const below = path === '' ? ABOVE_ALL : behind(path.slice(0, -1));
      return { sealer: current, rows: await this.#all({ from: path, below }) };
    });
    return open(sealer, rows);
  }

  async *pages(prefix: string, range: PageRange = {}): AsyncGenerator<Records> {
    checkPrefix(prefix);
    const { from = 0, below, reverse = false, size = DEFAULT_PAGE } = range;
    if (!Number.isSafeInteger(size) || size < 1) throw new TypeError('a page has at least one record');
    let [lowest, above] = [ordinal(from), below === undefined ? ORDINALS_END : ordinal(below)];
    while (lowest < above) {
      const { sealer, rows } = await this.#run(async (current) => {
        const path = await current.names.of(prefix);
        return { sealer: current, rows: await this.#page(path, { from: lowest, below: above, limit: size, reverse }) };
      });
      if (rows.length === 0) return;
      const page = await open(sealer, rows, reverse);
      const last = ordinalBehind(prefix, [...page.keys()].at(-1) ?? '');
      yield page;
      if (rows.length < size || last === undefined) return;
      if (reverse) above = last;
      else lowest = behind(last);
    }
  }

  async write(changes: Changes): Promise<void> {
    const copies = [...changes].map(([key, value]) => {
      checkKey(key);
      return { key, plain: value && layOut(key, value) };
    });
    const written = this.#run(async (sealer) => {
      const sealed = copies.map(async ({ key, plain }) => {
        const name = await sealer.names.of(key);
        return [name, plain && (await sealer.seal(name, plain))] as const;
      });
      await this.#shelf.write(new Map(await Promise.all(sealed)));
    });
    await written.finally(() => wipe(copies.map(({ plain }) => plain)));
  }

  destroy(): Promise<void> {
    return this.#last(() => this.#shelf.destroy());
  }

  close(): Promise<void> {
    return this.#closed ? this.#queue.run(async () => undefined) : this.#last(() => this.#shelf.close());
  }

  /**
   * Seals every record anew, under other keys.
   * @param replace puts the rows in the place of all that are there: all or none
   */
  reseal(keys: VaultKeys, replace: (shelf: S, rows: AsyncIterable<ShelfRow>) => Promise<void>): Promise<void> {
    return this.#run(async (old) => {
      const fresh = new Sealer(keys);
      await replace(this.#shelf, this.#resealed(old, fresh));
      this.#sealer = fresh;
    });
  }

  async *#resealed(old: Sealer, fresh: Sealer): AsyncGenerator<ShelfRow> {
    let from = '';
    for (;;) {
      const rows = await this.#shelf.range({ from, below: ABOVE_ALL, limit: BATCH, reverse: false });
      const resealed = [...(await open(old, rows))].map(async ([key, value]) => {
        const plain = layOut(key, value);
        const name = await fresh.names.of(key);
        const sealed = await fresh.seal(name, plain);
        wipe([plain, value]);
        return { name, sealed };
      });
      yield* await Promise.all(resealed);
      const last = rows.at(-1);
      if (last === undefined || rows.length < BATCH) return;
      from = next(last.name);
    }
  }

  /** Rows of the numbers, and of the last number all. */
  async #page(path: string, { from, below, limit, reverse }: ShelfRange): Promise<readonly ShelfRow[]> {
    const rows = await this.#shelf.range({ from: path + from, below: path + below, limit, reverse });
    const last = rows.at(-1)?.name;
    const number = last && ordinalBehind(path, last);
    if (last === undefined || number === undefined || rows.length < limit) return rows;
    const rest = reverse ? { from: path + number, below: last } : { from: next(last), below: behind(path + number) };
    return [...rows, ...(await this.#all(rest))];
  }

  async #all({ from, below }: Pick<ShelfRange, 'from' | 'below'>): Promise<readonly ShelfRow[]> {
    const all: ShelfRow[] = [];
    for (let lowest = from; ; ) {
      const rows = await this.#shelf.range({ from: lowest, below, limit: BATCH, reverse: false });
      for (const row of rows) all.push(row);
      const last = rows.at(-1);
      if (last === undefined || rows.length < BATCH) return all;
      lowest = next(last.name);
    }
  }

  #run<T>(work: (sealer: Sealer) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new HawserError('VAULT_CLOSED'));
    return this.#queue.run(() => work(this.#sealer));
  }

  #last(work: () => Promise<void>): Promise<void> {
    if (this.#closed) return Promise.reject(new HawserError('VAULT_CLOSED'));
    this.#closed = true;
    return this.#queue.run(work);
  }
}

/** Behind all numbers and before all hashes. */
const ORDINALS_END = '$';

/** The lowest text above a name. */
function next(name: string): string {
  return `${name}!`;
}

/** The records in the clear, in the order of their keys. */
async function open(
  sealer: Sealer,
  rows: readonly ShelfRow[],
  reverse = false,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const records: (readonly [string, Uint8Array<ArrayBuffer>])[] = [];
  for (let at = 0; at < rows.length; at += BATCH) {
    const batch = rows.slice(at, at + BATCH);
    records.push(...(await Promise.all(batch.map(({ name, sealed }) => sealer.open(name, sealed)))));
  }
  records.sort(byKey);
  return new Map(reverse ? records.reverse() : records);
}
