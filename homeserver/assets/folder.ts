/**
 * Files in a folder: `ab/cd/abcd….part` while it is uploaded, `ab/cd/abcd…` when it is complete. Two levels of 256 folders
 * each keep every folder small up to millions of files.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { HawserError } from '#signalling/errors.ts';
import { diskOf } from '../disk.ts';
import { type Appended, ASSET_NAME, type AssetName, type AssetStore, type ByteRange, type Listed } from './store.ts';

/** A read at a time: large enough for a disk, small enough for a thousand downloads at once (256 MB). */
const READ_BYTES = 256 * 1024;
const PART = '.part';

export interface FolderOptions {
  readonly folder: string;
  /** Bytes that must stay free on the disk. */
  readonly keepFree: number;
  /** Free bytes of the disk on which a folder is. */
  readonly freeOf?: (folder: string) => Promise<number>;
}

export class FolderStore implements AssetStore {
  readonly #folder: string;
  readonly #keepFree: number;
  readonly #freeOf: (folder: string) => Promise<number>;

  constructor({ folder, keepFree, freeOf = async (where) => (await diskOf(where)).free }: FolderOptions) {
    this.#folder = folder;
    this.#keepFree = keepFree;
    this.#freeOf = freeOf;
  }

  async refuseFull(bytes: number): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    if ((await this.#freeOf(this.#folder)) - bytes < this.#keepFree) throw new HawserError('HOME_ASSET_NO_ROOM');
  }

  async append(name: AssetName, offset: number, bytes: AsyncIterable<Uint8Array>): Promise<Appended> {
    const path = this.#pathOf(name) + PART;
    await this.refuseFull(0);
    const file = await openPart(path, this.#folder).catch(noRoom);
    try {
      const written = await writeAll(file, offset, bytes);
      // Nothing that is not synced is counted: after a loss of power the file may end in zeros.
      if (written.stored > 0) await file.datasync();
      return written;
    } finally {
      await file.close();
    }
  }

  async size(name: AssetName): Promise<number | undefined> {
    const path = this.#pathOf(name);
    return (await sizeOf(path)) ?? (await sizeOf(path + PART));
  }

  async finish(name: AssetName, expected: { readonly size: number; readonly sha256: string }): Promise<void> {
    const path = this.#pathOf(name);
    // Renamed already where the process ended before the database knew.
    const isRenamed = (await sizeOf(path)) !== undefined;
    const at = isRenamed ? path : path + PART;
    const file = await open(at, 'r+').catch(missing('HOME_ASSET_INCOMPLETE'));
    try {
      // Bytes beyond the last count are those of a part that a crash cut off.
      const { size } = await file.stat();
      if (size < expected.size) throw new HawserError('HOME_ASSET_INCOMPLETE');
      if (size > expected.size) await file.truncate(expected.size);
      if ((await sha256Of(file)) !== expected.sha256) {
        throw new HawserError('HOME_ASSET_HASH');
      }
      await file.sync();
    } finally {
      await file.close();
    }
    if (!isRenamed) await rename(at, path);
    await syncFolder(dirname(path));
  }

  async read(name: AssetName, range: ByteRange): Promise<Readable> {
    const path = this.#pathOf(name);
    // Opened before the answer begins: a file that is not there must be a refusal and no broken download.
    const file = await open(path, 'r').catch(missing('HOME_NOT_FOUND'));
    return createReadStream(path, { fd: file, start: range.from, end: range.to, highWaterMark: READ_BYTES });
  }

  async remove(name: AssetName): Promise<void> {
    const path = this.#pathOf(name);
    await Promise.all([rm(path, { force: true }), rm(path + PART, { force: true })]);
  }

  async *list(): AsyncGenerator<Listed> {
    for (const first of await namesIn(this.#folder)) {
      for (const second of await namesIn(join(this.#folder, first))) {
        for (const file of await namesIn(join(this.#folder, first, second))) {
          const name = file.endsWith(PART) ? file.slice(0, -PART.length) : file;
          if (!ASSET_NAME.test(name)) continue;
          const found = await stat(join(this.#folder, first, second, file)).catch(() => undefined);
          if (found) yield { name, modified: found.mtimeMs };
        }
      }
    }
  }

  /** A folder has nothing between an upload and a file. */
  async tidy(): Promise<void> {}

  #pathOf(name: AssetName): string {
    // The last line of defence: no name that was not made of a parsed id becomes a path.
    if (!ASSET_NAME.test(name)) throw new RangeError('not the name of a file');
    return join(this.#folder, name.slice(0, 2), name.slice(2, 4), name);
  }
}

/** Opened for writing; where it is new, its entry in the folder, and the folder's, are on disk. */
async function openPart(path: string, root: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = await open(path, 'w+', 0o600);
  try {
    await syncFolder(folder);
    await syncFolder(dirname(folder));
    await syncFolder(root);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** One piece at a time: the next is taken from the connection when this one was given to the disk. */
async function writeAll(file: FileHandle, offset: number, bytes: AsyncIterable<Uint8Array>): Promise<Appended> {
  let stored = 0;
  try {
    for await (const piece of bytes) {
      for (let at = 0; at < piece.length; ) {
        const { bytesWritten } = await file.write(piece, at, piece.length - at, offset + stored);
        at += bytesWritten;
        stored += bytesWritten;
      }
    }
    return { stored };
  } catch (error) {
    return { stored, failure: isFull(error) ? new HawserError('HOME_ASSET_NO_ROOM') : error };
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** base64url. Into one buffer: a stream's many would be thrown away faster than memory is given back. */
async function sha256Of(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return hash.digest('base64url');
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  });
}

function missing(code: 'HOME_NOT_FOUND' | 'HOME_ASSET_INCOMPLETE') {
  return (error: unknown): never => {
    if (codeOf(error) === 'ENOENT') throw new HawserError(code, undefined, { cause: error });
    throw error;
  };
}

function noRoom(error: unknown): never {
  if (isFull(error)) throw new HawserError('HOME_ASSET_NO_ROOM', undefined, { cause: error });
  throw error;
}

function isFull(error: unknown): boolean {
  return codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
