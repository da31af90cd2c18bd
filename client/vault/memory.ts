/** A vault that ends with the process: for guests, and for tests. Nothing is encrypted, as nothing leaves the memory. */
import { HawserError } from '#signalling/errors.ts';
import { byKey, checkKey, checkPrefix, ordinal, ordinalBehind } from './record-key.ts';
import { DEFAULT_PAGE } from './sealed-vault.ts';
import type { Changes, PageRange, Vault } from './vault.ts';

type Records = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

export class MemoryVault implements Vault {
  readonly #records = new Map<string, Uint8Array<ArrayBuffer>>();
  #closed = false;

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    checkKey(key);
    this.#checkOpen();
    return this.#records.get(key)?.slice();
  }

  async list(prefix: string): Promise<Records> {
    checkPrefix(prefix);
    this.#checkOpen();
    return copyOf([...this.#records].filter(([key]) => key.startsWith(prefix)));
  }

  async *pages(prefix: string, range: PageRange = {}): AsyncGenerator<Records> {
    checkPrefix(prefix);
    const { from = 0, below, reverse = false, size = DEFAULT_PAGE } = range;
    if (!Number.isSafeInteger(size) || size < 1) throw new TypeError('a page has at least one record');
    const [lowest, above] = [ordinal(from), below === undefined ? undefined : ordinal(below)];
    let after: string | undefined;
    for (;;) {
      this.#checkOpen();
      const numbers = new Map<string, (readonly [string, Uint8Array<ArrayBuffer>])[]>();
      for (const record of this.#records) {
        const number = ordinalBehind(prefix, record[0]);
        if (number === undefined || number < lowest || (above !== undefined && number >= above)) continue;
        if (after !== undefined && (reverse ? number >= after : number <= after)) continue;
        numbers.set(number, [...(numbers.get(number) ?? []), record]);
      }
      const page: (readonly [string, Uint8Array<ArrayBuffer>])[] = [];
      const ascending = [...numbers.keys()].sort();
      for (const number of reverse ? ascending.reverse() : ascending) {
        if (page.length >= size) break;
        page.push(...(numbers.get(number) ?? []));
        after = number;
      }
      if (page.length === 0) return;
      yield copyOf(page, reverse);
    }
  }

  async write(changes: Changes): Promise<void> {
    for (const key of changes.keys()) checkKey(key);
    this.#checkOpen();
    for (const [key, value] of changes) {
      if (value === undefined) this.#records.delete(key);
      else this.#records.set(key, Uint8Array.from(value));
    }
  }

  async destroy(): Promise<void> {
    this.#checkOpen();
    for (const value of this.#records.values()) value.fill(0);
    this.#records.clear();
    this.#closed = true;
  }

  async close(): Promise<void> {
    if (!this.#closed) await this.destroy();
  }

  #checkOpen(): void {
    if (this.#closed) throw new HawserError('VAULT_CLOSED');
  }
}

function copyOf(records: (readonly [string, Uint8Array<ArrayBuffer>])[], reverse = false): Records {
  records.sort(byKey);
  if (reverse) records.reverse();
  return new Map(records.map(([key, value]) => [key, value.slice()]));
}
