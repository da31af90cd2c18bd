/** Sealed records in one object store of IndexedDB. */
import { HawserError } from '#signalling/errors.ts';
import { makeKeys, type VaultKeys } from './seal.ts';
import type { Shelf, ShelfRange, ShelfRow } from './shelf.ts';

const VERSION = 1;
const STORE = 'records';
/** Of the vault's keys. A number sorts before every text, so that no range of names meets it. */
const KEYS = 0;

export interface IndexedDbShelfOptions {
  readonly name: string;
  readonly ifMissing: 'create' | 'refuse';
  readonly onLost?: ((error: HawserError) => void) | undefined;
  /** When nothing of it is open any more. */
  readonly onClosed: () => void;
}

export class IndexedDbShelf implements Shelf {
  readonly #database: IDBDatabase;
  readonly #options: IndexedDbShelfOptions;
  /** Why nothing works any more, where that was not asked for. */
  #lost: HawserError | undefined;

  private constructor(database: IDBDatabase, options: IndexedDbShelfOptions) {
    this.#database = database;
    this.#options = options;
    // The browser closed it: the data were deleted, or the disk failed.
    database.onclose = () => this.#lose(new HawserError('VAULT_GONE'));
    // Another page deletes it or brings it to a newer version, and waits for this one to let go.
    database.onversionchange = ({ newVersion }) => {
      this.#lose(new HawserError(newVersion === null ? 'VAULT_GONE' : 'VAULT_IN_USE'));
    };
  }

  static async open(
    options: IndexedDbShelfOptions,
  ): Promise<{ readonly shelf: IndexedDbShelf; readonly keys: VaultKeys }> {
    // Made in any case: in the transaction that makes the database there is no waiting for them.
    const fresh = await makeKeys();
    const shelf = new IndexedDbShelf(await openDatabase(options, fresh), options);
    try {
      const keys = await shelf.#read((store) => store.get(KEYS));
      if (isKeys(keys)) return { shelf, keys };
      throw new HawserError('VAULT_GONE', 'without its keys');
    } catch (error) {
      shelf.#database.close();
      throw error;
    }
  }

  async get(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const sealed = await this.#read((store) => store.get(name));
    return sealed === undefined ? undefined : sealedOf(sealed);
  }

  async range({ from, below, limit, reverse }: ShelfRange): Promise<readonly ShelfRow[]> {
    // An empty range is an error in IndexedDB.
    if (from >= below) return [];
    const range = IDBKeyRange.bound(from, below, false, true);
    return reverse ? this.#backwards(range, limit) : this.#forwards(range, limit);
  }

  async write(changes: ReadonlyMap<string, Uint8Array<ArrayBuffer> | undefined>): Promise<void> {
    await this.#transact('readwrite', (store) => {
      for (const [name, sealed] of changes) {
        if (sealed === undefined) store.delete(name);
        else store.put(sealed, name);
      }
      return () => undefined;
    });
  }

  async destroy(): Promise<void> {
    // It is not this page's any more: somebody else may have made a new one of this name.
    if (this.#lost?.code === 'VAULT_GONE') return;
    if (this.#lost !== undefined) throw this.#lost;
    this.#database.close();
    try {
      await deleteDatabase(this.#options.name);
    } finally {
      this.#options.onClosed();
    }
  }

  async close(): Promise<void> {
    this.#database.close();
    this.#options.onClosed();
  }

  /** Two requests for many rows, where a cursor has one for each. */
  async #forwards(range: IDBKeyRange, limit: number): Promise<readonly ShelfRow[]> {
    return this.#transact('readonly', (store) => {
      const names = store.getAllKeys(range, limit);
      const values = store.getAll(range, limit);
      return () => names.result.map((name, index) => ({ name: String(name), sealed: sealedOf(values.result[index]) }));
    });
  }

  async #backwards(range: IDBKeyRange, limit: number): Promise<readonly ShelfRow[]> {
    return this.#transact('readonly', (store) => {
      const rows: { readonly name: string; readonly value: unknown }[] = [];
      const request = store.openCursor(range, 'prev');
      request.onsuccess = () => {
        const cursor = request.result;
        if (cursor === null) return;
        rows.push({ name: String(cursor.key), value: cursor.value });
        if (rows.length < limit) cursor.continue();
      };
      return () => rows.map(({ name, value }) => ({ name, sealed: sealedOf(value) }));
    });
  }

  #read(ask: (store: IDBObjectStore) => IDBRequest<unknown>): Promise<unknown> {
    return this.#transact('readonly', (store) => {
      const request = ask(store);
      return () => request.result;
    });
  }

  /** @param start makes the requests, and returns what reads their results when all are done */
  #transact<T>(mode: IDBTransactionMode, start: (store: IDBObjectStore) => () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      try {
        if (this.#lost !== undefined) throw this.#lost;
        // Without `strict`, browsers report a write before it is on the disk.
        const transaction = this.#database.transaction(STORE, mode, { durability: 'strict' });
        let error: DOMException | null = null;
        // The first that fails says why; the transaction's own error is missing where a commit fails in some browsers.
        transaction.onerror = ({ target }) => {
          error ??= target instanceof IDBRequest ? target.error : null;
        };
        transaction.onabort = () => reject(this.#lost ?? coded(transaction.error ?? error));
        const result = start(transaction.objectStore(STORE));
        transaction.oncomplete = () => {
          try {
            resolve(result());
          } catch (cause) {
            reject(cause);
          }
        };
      } catch (cause) {
        reject(cause instanceof HawserError ? cause : coded(cause));
      }
    });
  }

  #lose(error: HawserError): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#database.close();
    this.#options.onClosed();
    this.#options.onLost?.(error);
  }
}

/** @throws {HawserError} VAULT_FAILED */
export function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(coded(request.error));
  });
}

async function openDatabase({ name, ifMissing }: IndexedDbShelfOptions, keys: VaultKeys): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    let missing = false;
    let request: IDBOpenDBRequest;
    try {
      request = indexedDB.open(name, VERSION);
    } catch (cause) {
      // Not there at all, or forbidden to this page.
      return reject(unavailable(cause));
    }
    request.onupgradeneeded = ({ oldVersion }) => {
      missing = oldVersion === 0;
      if (ifMissing === 'refuse') return request.transaction?.abort();
      // In the transaction that makes it: there is no vault without its keys, whenever the page ends.
      request.result.createObjectStore(STORE).put(keys, KEYS);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => {
      if (missing && ifMissing === 'refuse') return reject(new HawserError('VAULT_GONE'));
      const name = request.error?.name;
      if (name === 'VersionError') return reject(new HawserError('VAULT_NEWER'));
      // Private windows of some browsers, and a profile that cannot be written.
      const forbidden = name === 'InvalidStateError' || name === 'SecurityError';
      reject(forbidden ? unavailable(request.error) : coded(request.error));
    };
  });
}

function isKeys(value: unknown): value is VaultKeys {
  if (typeof value !== 'object' || value === null) return false;
  const { records, names } = value as Partial<Record<keyof VaultKeys, unknown>>;
  return records instanceof CryptoKey && names instanceof CryptoKey;
}

function sealedOf(value: unknown): Uint8Array<ArrayBuffer> {
  if (!(value instanceof Uint8Array)) throw new HawserError('VAULT_DAMAGED', 'a record');
  return value as Uint8Array<ArrayBuffer>;
}

function unavailable(cause: unknown): HawserError {
  return new HawserError('VAULT_UNAVAILABLE', nameOf(cause), { cause });
}

function coded(cause: unknown): HawserError {
  const name = nameOf(cause);
  switch (name) {
    case 'QuotaExceededError':
      return new HawserError('VAULT_FULL', undefined, { cause });
    // Chromium keeps large values in files of their own, and says this of one whose file is gone or does not read back
    // (https://github.com/w3c/IndexedDB/issues/423).
    case 'NotFoundError':
    case 'NotReadableError':
    case 'DataError':
      return new HawserError('VAULT_DAMAGED', name, { cause });
    default:
      return new HawserError('VAULT_FAILED', name, { cause });
  }
}

function nameOf(cause: unknown): string | undefined {
  return cause instanceof Error ? cause.name : undefined;
}
