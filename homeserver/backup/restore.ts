/**
 * Puts a backup back. Everything is unpacked beside the folder `data` and looked at first. Then the folders change places, and the
 * old one goes only when the new one has opened; with PostgreSQL that is the last step of the transaction that brings the rows.
 */
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { Site } from '#site/schema.ts';
import { replaceFile } from '#trust/replace.ts';
import { VERSIONS } from '../store/migrate.ts';
import { DATABASE_FILE, placeOf } from '../store/place.ts';
import { lockForThisProcess } from '../store/process-lock.ts';
import { openStore, type Store } from '../store/store.ts';
import { BackupError, stopWhereAborted } from './fault.ts';
import { keyFiles } from './files.ts';
import { forgetOrder, holdsRows, openSaved, refill } from './load.ts';
import { DATA, DATABASE, KEYS, type Manifest } from './manifest.ts';
import { unpack } from './unpack.ts';

export interface RestoreOptions {
  readonly site: Site;
  readonly file: string;
  /** What is there goes. */
  readonly replace: boolean;
  /** Certificates and private keys are put where the site names them. */
  readonly withKeys: boolean;
  readonly onProgress: (step: 'unpacking' | 'database', done: number, total: number) => void;
  readonly signal: AbortSignal;
}

export interface Restored {
  readonly manifest: Manifest;
  /** Files of the folder `data`, the database not counted. */
  readonly files: number;
  /** Where certificates and keys were put. */
  readonly keys: readonly string[];
}

/** @throws BackupError, StoreError: everything is as it was then */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { site, file, replace, withKeys, onProgress, signal } = options;
  await using held = new AsyncDisposableStack();
  const present = join(site.data, DATABASE_FILE);
  if (await exists(present)) held.use(lockForThisProcess(present));
  const place = await placeOf(site);
  const store = place.engine === 'postgres' ? await openStore(place, { isPatient: true }) : undefined;
  if (store) held.defer(() => store.close());
  if (!replace) await refuseWhatIsThere(site.data, store);

  const name = `${site.data}.${randomBytes(6).toString('hex')}`;
  const [staged, before] = [`${name}.new`, `${name}.before`];
  await makeStaged(staged);
  held.defer(() => rm(staged, { recursive: true, force: true }));
  const look = (manifest: Manifest) => refuseForeign(manifest, options);
  const { manifest, files } = await unpack(file, staged, look, (done, total) => {
    stopWhereAborted(signal);
    onProgress('unpacking', done, total);
  });
  const keys = withKeys ? await stagedKeys(site, staged) : [];
  if (!replace) await refuseOtherKeys(keys);
  const data = join(staged, DATA);
  await mkdir(data, { recursive: true, mode: 0o700 });

  await using undo = new AsyncDisposableStack();
  const saved = await openSaved(join(staged, DATABASE));
  try {
    await forgetOrder(saved);
    const change = async () => {
      stopWhereAborted(signal);
      await giveToOwner(data, site.data);
      await swap(data, site.data, before, undo);
      await putKeys(keys, undo);
    };
    if (store) {
      await store.transaction(async (tx) => {
        await refill(tx, saved, (done, total) => onProgress('database', done, total));
        await change();
      });
    } else {
      await saved.destroy();
      await rename(join(staged, DATABASE), join(data, DATABASE_FILE));
      await change();
      await (await openStore(place)).close();
    }
  } finally {
    await saved.destroy();
  }
  // Nothing to take back any more. What was there before is beside the new folder, in the one that goes now.
  undo.move();
  await rm(before, { recursive: true, force: true });
  return { manifest, files, keys: keys.map(({ path }) => path) };
}

async function refuseWhatIsThere(data: string, store: Store | undefined): Promise<void> {
  const entries = await readdir(data).catch(() => []);
  if (entries.length > 0) throw new BackupError(`${data} is not empty. With --replace the backup takes its place.`);
  if (store && (await holdsRows(store))) {
    throw new BackupError('There is something in the database. With --replace the backup takes its place.');
  }
}

function refuseForeign({ domain, schema, keys }: Manifest, { site, withKeys }: RestoreOptions): void {
  if (domain !== site.domain) {
    throw new BackupError(`The backup is of ${domain}, and this site is ${site.domain}. Name the right configuration.`);
  }
  if (!VERSIONS.includes(schema)) {
    throw new BackupError('The backup was made by a newer version of Hawser. Install that version, or a newer one.');
  }
  if (withKeys && !keys) throw new BackupError('There are no keys in the backup: it was made without --with-keys.');
}

interface Key {
  /** Where the site has it. */
  readonly path: string;
  readonly content: Buffer;
}

/** The saved files of those options that this site has too. */
async function stagedKeys(site: Site, staged: string): Promise<Key[]> {
  const keys: Key[] = [];
  for (const [option, path] of keyFiles(site)) {
    const content = await readFile(join(staged, KEYS, option)).catch(() => undefined);
    if (content) keys.push({ path, content });
  }
  return keys;
}

async function refuseOtherKeys(keys: readonly Key[]): Promise<void> {
  for (const { path, content } of keys) {
    const present = await readFile(path).catch(() => undefined);
    if (present && !present.equals(content)) {
      throw new BackupError(`${path} is there and is another one. With --replace the saved one takes its place.`);
    }
  }
}

async function putKeys(keys: readonly Key[], undo: AsyncDisposableStack): Promise<void> {
  for (const { path, content } of keys) {
    const before = await readFile(path).catch(() => undefined);
    if (before?.equals(content)) continue;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await replaceFile(path, content, 0o600);
    } catch (error) {
      throw new BackupError(`${path} cannot be written. Look at \`certificates\` in the configuration.`, {
        cause: error,
      });
    }
    undo.defer(() => (before ? replaceFile(path, before, 0o600) : rm(path, { force: true })));
  }
}

async function swap(staged: string, data: string, before: string, undo: AsyncDisposableStack): Promise<void> {
  const isThere = await exists(data);
  if (isThere) {
    await rename(data, before).catch(asBusy(data));
    undo.defer(() => rename(before, data));
  }
  await rename(staged, data).catch(asBusy(data));
  undo.defer(() => rename(data, staged));
}

function asBusy(data: string): (error: unknown) => never {
  return (error) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EBUSY' && code !== 'EXDEV') throw error;
    throw new BackupError(
      `${data} cannot be renamed, because a disk or volume is mounted there. Make \`data\` in the configuration a folder in it.`,
      { cause: error },
    );
  };
}

async function makeStaged(staged: string): Promise<void> {
  await mkdir(staged, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw new BackupError(`${dirname(staged)} cannot be written (${error.code}).`, { cause: error });
  });
}

/** Root restores for the user who runs the server: the one who has the present folder, or the one around it. */
async function giveToOwner(folder: string, data: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat((await exists(data)) ? data : dirname(data));
  await chown(folder, uid, gid);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await chown(join(entry.parentPath, entry.name), uid, gid);
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
