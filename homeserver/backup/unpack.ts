/** Unpacks a backup into a fresh folder and looks at every byte of it. */
import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Entry, readArchive } from './archive.ts';
import { BackupError } from './fault.ts';
import {
  CHECKSUMS,
  DATA,
  DATABASE,
  KEYS,
  MANIFEST,
  type Manifest,
  readChecksums,
  readManifest,
  type Sum,
} from './manifest.ts';
import type { OnProgress } from './snapshot.ts';

/** Largest manifest, and largest list of checksums: of two million files. */
const MAX_MANIFEST = 10_000;
const MAX_CHECKSUMS = 400_000_000;

export interface Unpacked {
  readonly manifest: Manifest;
  readonly files: number;
}

/**
 * @param folder empty: gets `database.sqlite`, `data/` and `keys/`
 * @param check refuses a backup for what its manifest says
 * @throws BackupError where the file is no backup or any of it is not as it was saved
 */
export async function unpack(
  file: string,
  folder: string,
  check: (manifest: Manifest) => void,
  onProgress: OnProgress,
): Promise<Unpacked> {
  await using archive = await openBackup(file);
  const total = (await archive.stat()).size;
  const sums = new Map<string, Sum>();
  let manifest: Manifest | undefined;
  let listed: ReadonlyMap<string, Sum> | undefined;
  let done = 0;
  for await (const entry of readArchive(archive)) {
    const { name, size } = entry;
    if (listed || sums.has(name)) throw new BackupError('The backup holds something twice. Take another one.');
    if (!manifest) {
      if (name !== MANIFEST) throw new BackupError(`${file} is no backup of Hawser.`);
      manifest = readManifest(await textOf(entry, MAX_MANIFEST));
      check(manifest);
    }
    if (name === CHECKSUMS) listed = readChecksums(await textOf(entry, MAX_CHECKSUMS));
    else sums.set(name, { size, sha256: await keep(entry, name === MANIFEST ? undefined : join(folder, known(name))) });
    done += size;
    onProgress(done, total);
  }
  if (!manifest || !listed) throw new BackupError('The backup is not complete. Take another one.');
  compare(sums, listed);
  if (!sums.has(DATABASE)) throw new BackupError('There is no database in the backup. Take another one.');
  return { manifest, files: [...sums.keys()].filter((name) => name.startsWith(DATA)).length };
}

async function openBackup(file: string) {
  try {
    return await open(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    throw new BackupError(code === 'ENOENT' ? `There is no file ${file}.` : `${file} cannot be read (${code}).`);
  }
}

/** @throws BackupError where a name is none that a backup gives */
function known(name: string): string {
  if (name === DATABASE || name.startsWith(DATA) || name.startsWith(KEYS)) return name;
  throw new BackupError(`There is ${JSON.stringify(name)} in the backup, which this version does not know.`);
}

/** @returns SHA-256 of the content, which is written to `path` where there is one */
async function keep({ content }: Entry, path: string | undefined): Promise<string> {
  const hash = createHash('sha256');
  if (path === undefined) {
    for await (const chunk of content()) hash.update(chunk);
    return hash.digest('hex');
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await using file = await open(path, 'wx', 0o600);
  for await (const chunk of content()) {
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  await file.sync();
  return hash.digest('hex');
}

async function textOf({ name, size, content }: Entry, limit: number): Promise<string> {
  if (size > limit) throw new BackupError(`${name} in the backup is too large.`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content()) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function compare(sums: ReadonlyMap<string, Sum>, listed: ReadonlyMap<string, Sum>): void {
  for (const name of new Set([...sums.keys(), ...listed.keys()])) {
    const [is, was] = [sums.get(name), listed.get(name)];
    if (is?.sha256 !== was?.sha256 || is?.size !== was?.size) {
      throw new BackupError(`The backup is damaged: ${name} is not what was saved. Take another one.`);
    }
  }
}
