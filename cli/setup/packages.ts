/** The npm packages of package-lock.json. Install scripts stay off: the one that matters, mediasoup's, is ours to replace. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Problem } from '../errors.ts';
import { withLock } from './cache.ts';
import { ensureDebianPackages } from './debian.ts';
import { applyPatches, arePatched, patchedLibraries } from './patches.ts';
import { findProgram, run } from './program.ts';
import { say } from './say.ts';

export const repository = join(import.meta.dirname, '..', '..');

/** Whether this is what Debian's package installs, which brings its own Node along and stands on a host that is to serve. */
export const isOfDebianPackage = existsSync(join(repository, 'bin', 'node'));

/** Makes sure that node_modules is what package-lock.json and patches/ say; costs a millisecond when it was so the last time. */
export async function ensurePackages(): Promise<void> {
  if (await isStamped()) return;
  if (!(await isComplete())) {
    await withLock('packages', async () => {
      if (!(await isInstalled())) await install();
      await patch();
    });
  }
  // Without a stamp the next command just looks again: a read-only installation is no error.
  await writeFile(stampFile, await lockHash()).catch(() => undefined);
}

const modules = join(repository, 'node_modules');

async function isComplete(): Promise<boolean> {
  return (await isInstalled()) && (await arePatched(modules));
}

/** Mends the libraries of `patches/`. One that is neither as npm installs it nor as the patches leave it is installed anew. */
async function patch(): Promise<void> {
  const libraries = await patchedLibraries();
  for (const library of libraries) {
    if ((await applyPatches(library, modules)) === 'patched') continue;
    await rm(join(modules, library.name), { recursive: true, force: true });
    await install();
    if ((await applyPatches(library, modules)) === 'patched') continue;
    throw new Problem(
      `The patches for ${library.name} do not fit. Check that its version in package.json is the one they are for.`,
    );
  }
}

/**
 * `npm ci` would be the obvious choice, but it refuses a lock file that lacks optional packages for other platforms, which is what npm
 * writes where a registry does not carry them. `npm install --no-save` follows the lock file as well and leaves it alone, and does
 * not take node_modules away from a server that is running; what came of it is compared with the lock file afterwards.
 */
async function install(): Promise<void> {
  if ((await findProgram('npm')) === undefined) await ensureDebianPackages(['npm'], 'to install the npm packages');
  if ((await findProgram('npm')) === undefined) {
    throw new Problem('npm is needed to install the packages. Install it (Debian: apt install npm) and try again.');
  }
  say('installing the npm packages');
  await run(
    'npm',
    ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'],
    'npm could not install the packages. Its last lines:',
    { cwd: repository },
  );
  if (!(await isInstalled())) {
    throw new Problem(
      'npm installed other packages than package-lock.json says. Remove the folder node_modules and try again.',
    );
  }
}

const stampFile = join(repository, 'node_modules', '.hawser-packages');

async function lockHash(): Promise<string> {
  const hash = createHash('sha256').update(await readFile(join(repository, 'package-lock.json')));
  for (const library of await patchedLibraries()) hash.update(library.hash);
  return hash.digest('hex');
}

async function isStamped(): Promise<boolean> {
  const stamp = await readFile(stampFile, 'utf8').catch(() => '');
  return stamp !== '' && stamp === (await lockHash());
}

interface LockedPackage {
  version?: string;
  optional?: boolean;
  dev?: boolean;
}

/**
 * Whether npm installed all that package-lock.json asks for already, by npm's own record of it. So `npm install` by hand
 * is as good as ours, and nobody loses the node_modules that a server is running on.
 */
async function isInstalled(): Promise<boolean> {
  const wanted = await lockedPackages(join(repository, 'package-lock.json'));
  const present = await lockedPackages(join(modules, '.package-lock.json')).catch(() => undefined);
  return present !== undefined && covers(wanted, present, process.env.NODE_ENV === 'production');
}

async function lockedPackages(file: string): Promise<Record<string, LockedPackage>> {
  const lock: { packages: Record<string, LockedPackage> } = JSON.parse(await readFile(file, 'utf8'));
  return lock.packages;
}

/** Optional packages are for other platforms; development packages are not needed in production, as npm itself has it. */
export function covers(
  wanted: Record<string, LockedPackage>,
  present: Record<string, LockedPackage>,
  production: boolean,
): boolean {
  return Object.entries(wanted).every(
    ([path, { version, optional, dev }]) =>
      path === '' || present[path]?.version === version || (optional && !present[path]) || (production && dev),
  );
}
