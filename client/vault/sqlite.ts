/** The vault of a program on Node: one file, locked with a passphrase, held by one process at a time. */
import { freshKeys, lockKeys, type PassphraseCost, USUAL_COST, unlockKeys } from './passphrase.ts';
import { importKeys, type VaultKeys } from './seal.ts';
import { SealedVault } from './sealed-vault.ts';
import { SqliteShelf } from './sqlite-shelf.ts';

export interface FileVaultOptions {
  /** SQLite puts its journal beside it. Folders above it are made where they are missing. */
  readonly path: string;
  readonly passphrase: string;
  /** `refuse` where this device was set up before: then a missing vault is VAULT_GONE. */
  readonly ifMissing: 'create' | 'refuse';
  /** Of passphrases that are set from now on; a vault remembers what the present one was set with. */
  readonly cost?: PassphraseCost;
}

export class FileVault extends SealedVault<SqliteShelf> {
  readonly #cost: PassphraseCost;

  private constructor(shelf: SqliteShelf, keys: VaultKeys, cost: PassphraseCost) {
    super(shelf, keys);
    this.#cost = cost;
  }

  /**
   * @throws {HawserError} VAULT_WRONG_PASSPHRASE, VAULT_IN_USE (by another process, or this one), VAULT_GONE, VAULT_DAMAGED, VAULT_NEWER,
   * VAULT_FULL, VAULT_FAILED
   */
  static async open({ path, passphrase, ifMissing, cost = USUAL_COST }: FileVaultOptions): Promise<FileVault> {
    const shelf = SqliteShelf.open(path, ifMissing);
    try {
      let header = shelf.header();
      if (header === undefined) {
        header = await withFreshKeys((bytes) => lockKeys(bytes, passphrase, cost));
        shelf.lay(header);
      }
      const bytes = await unlockKeys(header, passphrase);
      return new FileVault(shelf, await importKeys(bytes).finally(() => bytes.fill(0)), cost);
    } catch (error) {
      await shelf.close();
      throw error;
    }
  }

  /**
   * Deletes a vault, whether it can be opened or not, and without its passphrase.
   * @throws {HawserError} VAULT_IN_USE, VAULT_FAILED
   */
  static async delete(path: string): Promise<void> {
    SqliteShelf.delete(path);
  }

  /**
   * Locks the vault with another passphrase. Everything is encrypted anew under new keys in one transaction, so that the old passphrase and
   * an older copy of the file open nothing that is written later. Until it resolves, the old passphrase is the right one. It needs as
   * much room again as the vault has, and 20 s for 100,000 records, in which other calls wait.
   * @throws {HawserError} VAULT_FULL, VAULT_DAMAGED, VAULT_FAILED: then the old one stays
   */
  changePassphrase(passphrase: string): Promise<void> {
    return withFreshKeys(async (bytes) => {
      const header = await lockKeys(bytes, passphrase, this.#cost);
      await this.reseal(await importKeys(bytes), (shelf, rows) => shelf.replace(header, rows));
    });
  }
}

async function withFreshKeys<T>(use: (bytes: Uint8Array<ArrayBuffer>) => Promise<T>): Promise<T> {
  const bytes = freshKeys();
  try {
    return await use(bytes);
  } finally {
    bytes.fill(0);
  }
}
