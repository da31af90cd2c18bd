/** A vault that lasts as long as the program: for tests and guests. */
import type { Changes } from '#mls/journal.ts';
import type { Vault } from './vault.ts';

export class MemoryVault implements Vault {
  readonly #records = new Map<string, Uint8Array>();

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#records.get(key)?.slice();
  }

  async list(prefix: string): Promise<ReadonlyMap<string, Uint8Array>> {
    const found = [...this.#records].filter(([key]) => key.startsWith(prefix));
    return new Map(
      found.map(([key, value]): [string, Uint8Array] => [key, value.slice()]).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
  }

  async write(changes: Changes): Promise<void> {
    for (const [key, value] of changes) {
      if (value === undefined) this.#records.delete(key);
      else this.#records.set(key, value.slice());
    }
  }

  async destroy(): Promise<void> {
    this.#records.clear();
  }

  close(): void {}
}
