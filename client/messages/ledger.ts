/**
 * What a device changes of its conversations, one step after the other: a step is made, stored in one write, and told; only then the next
 * one is made. So nobody is told of something that is not stored, and whoever is told hears it in the order in which it happened. A step
 * may touch several conversations.
 */
import { Queue } from '#mls/queue.ts';
import type { Changes, Vault } from '../vault/vault.ts';

/** Holds in memory what a step changes, a little before it is stored. */
export interface Touched {
  /** It is stored, and may be told. */
  stored(): void;
  /** It is not: what is held has to be read again. */
  lost(): Promise<void>;
}

/** How a step ended. */
export type Ending = 'stored' | 'lost';

export class Ledger {
  readonly #vault: Vault;
  readonly #queue = new Queue();
  readonly #touched = new Set<Touched>();

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  /** To be called within a step, by whatever it changes. */
  touch(touched: Touched): void {
    this.#touched.add(touched);
  }

  /**
   * A step. Nothing in it may wait for another one.
   * @param make what is to be stored; nothing is, where it throws
   * @param done called when it is stored, before anybody is told
   */
  async write(make: () => Changes | Promise<Changes>, done?: () => void): Promise<void> {
    const end = await this.begin();
    try {
      const changes = await make();
      if (changes.size > 0) await this.#vault.write(changes);
      done?.();
    } catch (error) {
      await end('lost');
      throw error;
    }
    await end('stored');
  }

  /** A step that somebody else stores. Resolves when those before it are over, with what has to be called when this one is. */
  begin(): Promise<(how: Ending) => Promise<void>> {
    return new Promise((begun) => {
      void this.#queue.run(() => {
        const { promise, resolve } = Promise.withResolvers<void>();
        begun((how) => this.#end(how).finally(resolve));
        return promise;
      });
    });
  }

  async #end(how: Ending): Promise<void> {
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const each of touched) {
      if (how === 'stored') each.stored();
      else await each.lost();
    }
  }
}
