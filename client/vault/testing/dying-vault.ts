/** For tests: the vault of a process that ends at one of its writes, before it or after it is on the disk. */
import { HawserError } from '#signalling/errors.ts';
import type { Changes, PageRange, Vault } from '../vault.ts';

export type Death = 'before' | 'after';

export class DyingVault implements Vault {
  readonly #disk: Vault;
  #left = Number.POSITIVE_INFINITY;
  #when: Death = 'before';
  #lastWrite: Changes | undefined;
  #dying: (() => void) | undefined;
  #matches: (changes: Changes) => boolean = () => true;
  #isEnded = false;

  /** @param disk what stays, for the next process */
  constructor(disk: Vault) {
    this.#disk = disk;
  }

  /** The write with which it ended. */
  get lastWrite(): Changes | undefined {
    return this.#lastWrite;
  }

  get isDead(): boolean {
    return this.#lastWrite !== undefined;
  }

  /**
   * Ends at the write of that number, counted from 0 from now on.
   * @param dying called at that moment
   * @param matches which writes count
   */
  arm(write: number, when: Death, dying: () => void, matches: (changes: Changes) => boolean = () => true): void {
    [this.#left, this.#when, this.#dying, this.#matches] = [write, when, dying, matches];
  }

  /** The process ends between two writes. A disk has one process at a time. */
  end(): void {
    this.#isEnded = true;
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#checkAlive();
    return this.#disk.get(key);
  }

  async list(prefix: string): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
    this.#checkAlive();
    return this.#disk.list(prefix);
  }

  pages(prefix: string, range?: PageRange): AsyncIterable<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
    this.#checkAlive();
    return this.#disk.pages(prefix, range);
  }

  async write(changes: Changes): Promise<void> {
    this.#checkAlive();
    if (!this.#matches(changes) || this.#left-- > 0) return this.#disk.write(changes);
    this.#lastWrite = changes;
    this.#dying?.();
    if (this.#when === 'after') await this.#disk.write(changes);
    this.#checkAlive();
  }

  async destroy(): Promise<void> {
    await this.#disk.destroy();
  }

  async close(): Promise<void> {
    // What is on the disk stays.
  }

  #checkAlive(): void {
    if (this.isDead || this.#isEnded) throw new HawserError('VAULT_CLOSED', 'the process has ended');
  }
}
