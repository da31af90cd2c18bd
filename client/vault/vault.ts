/** Where a device keeps what must survive: the state of its groups, keys, messages, what is still to be sent. */
import type { Changes } from '#mls/journal.ts';

export type { Changes } from '#mls/journal.ts';

/** Of records whose keys go on with a number after the prefix: see `ordinal`. */
export interface PageRange {
  /** The lowest number, itself included; 0 where it is left out. */
  readonly from?: number;
  /** The number above the highest; no bound where it is left out. */
  readonly below?: number;
  /** Highest first. */
  readonly reverse?: boolean;
  /** Records a page, 100 where it is left out. A page has more only where several records share its last number. */
  readonly size?: number;
}

/**
 * Records by key, in one order: what a call sees is what all calls before it have made. Which keys there may be, and which part of them
 * stays readable on the disk, is told in `record-key.ts`; a key of another form is a `TypeError`.
 *
 * Every method rejects with a {@link HawserError}: VAULT_DAMAGED where a record cannot be decrypted, VAULT_GONE where the browser deleted
 * the vault meanwhile, VAULT_IN_USE where another one took it over, VAULT_FAILED where the disk refused, VAULT_CLOSED after `close`.
 */
export interface Vault {
  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;

  /** All records whose key begins with the prefix, in order of the keys. A prefix is empty or ends with `/`. */
  list(prefix: string): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>>;

  /**
   * The records under a prefix that are numbered, page by page in order of the keys. A page is of one moment; what is written between two
   * pages is seen where it lies ahead.
   */
  pages(prefix: string, range?: PageRange): AsyncIterable<ReadonlyMap<string, Uint8Array<ArrayBuffer>>>;

  /**
   * All of it or none, durable when the promise resolves; writes come one after the other in the order of the calls. The values are copied
   * before the call returns, so that the caller may wipe them.
   * @throws {HawserError} VAULT_FULL too: then nothing of it was written
   */
  write(changes: Changes): Promise<void>;

  /** Forgets everything, the keys too, and closes: after signing out, or when the device was removed. */
  destroy(): Promise<void>;

  /** Resolves when what was called before is done and somebody else may open the vault. */
  close(): Promise<void>;
}
