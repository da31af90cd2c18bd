/** The vault of a browser: one database of IndexedDB, whose keys lie in it and cannot be read out, held by one tab at a time. */
import type { HawserError } from '#signalling/errors.ts';
import { deleteDatabase, IndexedDbShelf } from './indexed-db-shelf.ts';
import { SealedVault } from './sealed-vault.ts';
import { lockTab, type TabLockOptions } from './tab-lock.ts';
import type { Vault } from './vault.ts';

export interface BrowserVaultOptions extends TabLockOptions {
  /** Of the database and of the lock: one for each device that is set up in this browser. */
  readonly name: string;
  /**
   * `refuse` where this device was set up before: then a vault that the browser has deleted (for want of room, after weeks without a visit,
   * or because somebody cleared the data of the page) is VAULT_GONE.
   */
  readonly ifMissing: 'create' | 'refuse';
  /** Called once where the open vault is lost: VAULT_GONE, or VAULT_IN_USE where a newer version of the page took it over. */
  readonly onLost?: ((error: HawserError) => void) | undefined;
}

/**
 * @throws {HawserError} VAULT_IN_USE where another tab has it and `ifInUse` is `refuse`, VAULT_GONE, VAULT_UNAVAILABLE where the browser
 * keeps nothing (some private windows, blocked site data, not a secure context), VAULT_NEWER, VAULT_FULL, VAULT_DAMAGED, VAULT_FAILED
 */
export async function openBrowserVault(options: BrowserVaultOptions): Promise<Vault> {
  const { name, ifMissing, onLost } = options;
  const unlock = await lockTab(lockOf(name), options);
  try {
    const { shelf, keys } = await IndexedDbShelf.open({ name, ifMissing, onLost, onClosed: unlock });
    return new SealedVault(shelf, keys);
  } catch (error) {
    unlock();
    throw error;
  }
}

/**
 * Deletes a vault, whether it can be opened or not.
 * @throws {HawserError} VAULT_IN_USE, VAULT_UNAVAILABLE, VAULT_FAILED
 */
export async function deleteBrowserVault(options: Pick<BrowserVaultOptions, 'name'> & TabLockOptions): Promise<void> {
  const unlock = await lockTab(lockOf(options.name), options);
  try {
    await deleteDatabase(options.name);
  } finally {
    unlock();
  }
}

function lockOf(name: string): string {
  return `hawser vault ${name}`;
}

/**
 * Asks the browser not to delete the data of this page by itself. Firefox asks the person, so that this is called when somebody sets a
 * device up. @returns whether it will keep them
 */
export async function askToKeep(): Promise<boolean> {
  const storage: StorageManager | undefined = navigator.storage;
  return (await storage?.persist?.()) ?? false;
}
