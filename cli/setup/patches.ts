/** The mends of libraries in `patches/`, applied to what npm installed. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Problem } from '../errors.ts';
import { applyHunks, parseDiff } from './unified-diff.ts';

const repository = join(import.meta.dirname, '..', '..');

/** As the patches leave it, or a text that they are not for. */
export type PatchState = 'patched' | 'foreign';

export interface PatchedLibrary {
  /** The package's name, which is the name of the folder in `patches/`. */
  readonly name: string;
  /** Over all its patches: another one when any of them changes. */
  readonly hash: string;
  /** Of one patch file each, in the order of their names. */
  readonly texts: readonly string[];
}

/** The libraries that have patches. */
export async function patchedLibraries(folder: string = join(repository, 'patches')): Promise<PatchedLibrary[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const files = (await readdir(join(folder, name))).filter((file) => file.endsWith('.patch')).sort();
      const texts = await Promise.all(files.map((file) => readFile(join(folder, name, file), 'utf8')));
      const hash = createHash('sha256').update(texts.join('\0')).digest('hex');
      return { name, hash, texts };
    }),
  );
}

/**
 * Applies the patches of a library, all of them or none. The mark is written last, so that an interrupted run leaves a library that
 * is 'foreign', never one that passes for patched.
 * @returns 'patched'; or 'foreign' where the library has to be installed anew, because it is not the text that the patches are for
 */
export async function applyPatches(library: PatchedLibrary, modules: string): Promise<PatchState> {
  const place = join(modules, library.name);
  const mark = await readFile(markFile(place), 'utf8').catch(() => undefined);
  if (mark !== undefined) return mark === library.hash ? 'patched' : 'foreign';
  const changed = new Map<string, string>();
  try {
    for (const { path, hunks } of library.texts.flatMap(parseDiff)) {
      const file = join(place, path);
      changed.set(file, applyHunks(changed.get(file) ?? (await readFile(file, 'utf8')), hunks));
    }
  } catch {
    return 'foreign';
  }
  for (const [file, text] of changed) await replace(file, text);
  await replace(markFile(place), library.hash);
  return 'patched';
}

/** Whether every library of `patches/` is patched as it should be. */
export async function arePatched(modules: string): Promise<boolean> {
  for (const { name, hash } of await patchedLibraries()) {
    const mark = await readFile(markFile(join(modules, name)), 'utf8').catch(() => '');
    if (mark !== hash) return false;
  }
  return true;
}

const markFile = (place: string) => join(place, '.hawser-patched');

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

// `node cli/setup/patches.ts` patches what npm has just installed, for scripts that call npm themselves, such as the Dockerfile.
if (import.meta.main) {
  for (const library of await patchedLibraries()) {
    if ((await applyPatches(library, join(repository, 'node_modules'))) === 'patched') continue;
    console.error(
      new Problem(`The patches for ${library.name} do not fit. Install the packages anew and try again.`).message,
    );
    process.exitCode = 1;
  }
}
