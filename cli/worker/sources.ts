/** Lays out the folder that the worker is built in: mediasoup's sources, our stand-ins for what it would download, the patch. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../errors.ts';
import { PATCHED_FILE, patch } from './patch.ts';
import { standInsFolder } from './recipe.ts';

/**
 * The folder that each of mediasoup's wrap files names, with the version in it, at the time its stand-in was written. meson takes a
 * folder of that name instead of downloading. A wrap that names another one wants another version, and then a person has to compare
 * the interfaces first.
 */
export const STANDS_IN_FOR: Readonly<Record<string, string>> = {
  'abseil-cpp': 'abseil-cpp-20240722.0',
  flatbuffers: 'flatbuffers-24.3.25',
  libsrtp3: 'libsrtp-3.0.0-beta-2fc078db',
  libuv: 'libuv-v1.51.0',
  openssl: 'openssl-3.0.8',
  'unordered-dense': 'unordered_dense-4.8.1',
};

/** Wraps that a release build on Linux does not use. */
const UNUSED = new Set(['catch2', 'wingetopt']);

/** @param libsrtp2 the unpacked source of libsrtp 2 */
export async function layOut(mediasoupFolder: string, libsrtp2: string, target: string): Promise<void> {
  await cp(join(mediasoupFolder, 'worker'), target, { recursive: true });
  const subprojects = join(target, 'subprojects');
  for (const [name, folder] of Object.entries(await wrapFolders(subprojects))) {
    if (UNUSED.has(name)) continue;
    const known = STANDS_IN_FOR[name];
    if (known !== folder) {
      throw new Problem(
        `This mediasoup wants ${folder}, and the stand-in in cli/worker/subprojects/${name} was written for ` +
          `${known ?? 'nothing of that name'}. Compare the two, then change cli/worker/sources.ts.`,
      );
    }
    await cp(join(standInsFolder, name), join(subprojects, folder), { recursive: true });
  }
  await cp(libsrtp2, join(subprojects, 'libsrtp2'), { recursive: true });

  const file = join(target, PATCHED_FILE);
  await writeFile(file, patch(await readFile(file, 'utf8')));
}

/** The names of the wrap files, and the folder that each says its source is in. */
export async function wrapFolders(subprojects: string): Promise<Record<string, string>> {
  const folders: Record<string, string> = {};
  for (const file of await readdir(subprojects)) {
    if (!file.endsWith('.wrap')) continue;
    const folder = /^directory\s*=\s*(\S+)$/m.exec(await readFile(join(subprojects, file), 'utf8'))?.[1];
    if (folder !== undefined) folders[file.slice(0, -'.wrap'.length)] = folder;
  }
  return folders;
}
