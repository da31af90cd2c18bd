/** Makes a backup of a homeserver, running or not: one file with the database, the folder `data`, and keys on demand. */
import { randomBytes } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { Site } from '#site/schema.ts';
import { placeOf } from '../store/place.ts';
import { ArchiveWriter } from './archive.ts';
import { BackupError, stopWhereAborted } from './fault.ts';
import { contentOf, dataFiles, keyFiles, type SavedFile } from './files.ts';
import { CHECKSUMS, DATA, DATABASE, KEYS, MANIFEST, type Sum, writeChecksums, writeManifest } from './manifest.ts';
import { type OnProgress, saveDatabase } from './snapshot.ts';

export interface BackupOptions {
  readonly site: Site;
  /** Where the backup goes; nothing may be there yet. */
  readonly file: string;
  /** Certificates and private keys too. */
  readonly withKeys: boolean;
  /** ms since 1970 */
  readonly now: number;
  readonly onProgress: (step: 'database' | 'files', done: number, total: number) => void;
  readonly signal: AbortSignal;
}

export interface Backup {
  /** Bytes. */
  readonly size: number;
  /** Files of the folder `data`, the database not counted. */
  readonly files: number;
  /** Names of certificates and keys in `data` that were left out. */
  readonly keys: readonly string[];
  /** Names of what is neither a file nor a folder, and was left out. */
  readonly strange: readonly string[];
}

/** @throws BackupError, StoreError: nothing of the file is there then */
export async function makeBackup(options: BackupOptions): Promise<Backup> {
  const file = resolve(options.file);
  const { data } = options.site;
  if (await stat(file).catch(() => undefined)) throw new BackupError(`${file} is there already. Choose another name.`);
  if (!relative(data, file).startsWith('..')) {
    throw new BackupError(`${file} is in the folder that is saved. Choose a place outside ${data}.`);
  }
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  const [archive, database] = [`${fresh}.new`, `${fresh}.database`];
  try {
    const made = await write(options, archive, database);
    // A backup under its name is a whole one.
    await rename(archive, file);
    return { ...made, size: (await stat(file)).size };
  } catch (error) {
    throw asBackupError(error, file);
  } finally {
    for (const each of [archive, database, `${database}-wal`, `${database}-shm`]) await rm(each, { force: true });
  }
}

async function write(options: BackupOptions, path: string, database: string): Promise<Omit<Backup, 'size'>> {
  const { site, withKeys, now, onProgress, signal } = options;
  await using file = await open(path, 'wx', 0o600);
  const step = (name: 'database' | 'files'): OnProgress => {
    return (done, total) => {
      stopWhereAborted(signal);
      onProgress(name, done, total);
    };
  };
  // First the database: a file is there before its row is, so that whatever a saved row names was saved after it.
  const schema = await saveDatabase(await placeOf(site), database, step('database'));
  const { files, keys, strange } = await dataFiles(site, withKeys);
  const named: readonly SavedFile[] = [
    { ...(await fileAt(database)), name: DATABASE },
    ...(withKeys ? await saveableKeys(site) : []),
    ...files.map((each) => ({ ...each, name: `${DATA}${each.name}` })),
  ];
  const total = named.reduce((sum, { size }) => sum + size, 0);
  const sums = new Map<string, Sum>();
  const writer = new ArchiveWriter(file);
  const put = async (name: string, size: number, chunks: AsyncIterable<Uint8Array>) => {
    sums.set(name, { size, sha256: await writer.add(name, size, chunks) });
  };
  const manifest = { domain: site.domain, schema, created: new Date(now).toISOString(), keys: withKeys };
  await put(MANIFEST, ...textual(writeManifest(manifest)));
  const onFiles = step('files');
  let done = 0;
  for (const each of named) {
    const counted = async function* () {
      for await (const chunk of contentOf(each)) {
        done += chunk.length;
        onFiles(done, total);
        yield chunk;
      }
    };
    await put(each.name, each.size, counted());
  }
  await writer.add(CHECKSUMS, ...textual(writeChecksums(sums)));
  await writer.end();
  return { files: files.length, keys, strange };
}

async function saveableKeys(site: Site): Promise<SavedFile[]> {
  const keys: SavedFile[] = [];
  for (const [option, path] of keyFiles(site)) {
    // The other server's may be on another machine.
    const found = await fileAt(path).catch(() => undefined);
    if (found) keys.push({ ...found, name: `${KEYS}${option}` });
  }
  return keys;
}

async function fileAt(path: string): Promise<Omit<SavedFile, 'name'>> {
  return { path, size: (await stat(path)).size };
}

function textual(text: string): [size: number, chunks: AsyncIterable<Uint8Array>] {
  const bytes = Buffer.from(text);
  const once = async function* () {
    yield bytes;
  };
  return [bytes.length, once()];
}

function asBackupError(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC')
    return new BackupError(`There is no room left for ${file}. Choose another disk.`, { cause: error });
  if (code === 'ENOENT' || code === 'EACCES' || code === 'EROFS') {
    const path = error instanceof Error && 'path' in error ? error.path : file;
    return new BackupError(`${path} cannot be read or written (${code}).`, { cause: error });
  }
  return error;
}
