/** What decides whether a worker that was built before is the one that would be built now. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { repository } from '../setup/packages.ts';
import { REPLACEMENT } from './patch.ts';

export const standInsFolder = join(import.meta.dirname, 'subprojects');

/** mediasoup's folder in node_modules and its version. */
export async function mediasoup(): Promise<{ folder: string; version: string }> {
  const folder = join(repository, 'node_modules', 'mediasoup');
  const { version }: { version: string } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  return { folder, version };
}

/**
 * The options of mediasoup's own release build, and: position-independent with a static library in it, as distributions build servers;
 * nothing downloaded behind our back.
 */
export const MESON_OPTIONS = [
  '--buildtype=release',
  '-Db_ndebug=true',
  '-Db_pie=true',
  '-Db_staticpic=true',
  '--wrap-mode=nodownload',
];

/**
 * A short hash over all that shapes the build besides mediasoup's sources and the system's libraries. Debian does not change the ABI
 * of a library within a release, so the release stands for the libraries.
 */
export async function recipeHash(): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([MESON_OPTIONS, REPLACEMENT]));
  const standIns = await readdir(standInsFolder, { recursive: true, withFileTypes: true });
  const files = standIns.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    hash.update(`\0${relative(standInsFolder, file)}\0`).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 12);
}
