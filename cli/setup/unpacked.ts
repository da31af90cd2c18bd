/**
 * Programs of Debian packages that would start a service where they are installed: they are unpacked into the cache, for tests
 * that start them by themselves.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { arch } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { Problem } from '../errors.ts';
import { cacheFolder, withLock, withTemporaryFolder } from './cache.ts';
import { fetchDebianPackages, packagesToInstall, release } from './debian.ts';
import { isExecutable } from './program.ts';
import { say } from './say.ts';

/**
 * The folder that stands for `/`: `/` itself where the program is installed, else one in the cache into which the package was unpacked.
 * @param variable that names such a folder, where somebody has another one
 * @param program below it, such as `usr/bin/turnserver`
 * @throws Problem saying what to install, where it cannot be had
 */
export async function ensureUnpacked(name: string, program: string, variable: string): Promise<string> {
  const given = process.env[variable];
  if (given) {
    if (await isExecutable(join(given, program))) return given;
    throw new Problem(`${variable} is ${given}, and there is no ${program} below it. Mend or unset it.`);
  }
  if (await isExecutable(join('/', program))) return '/';
  const folder = await unpackedFolder(name);
  if (await isExecutable(join(folder, program))) return folder;
  return withLock(name, async () => {
    if (!(await isExecutable(join(folder, program)))) await fetch(name, folder);
    if (await isExecutable(join(folder, program))) return folder;
    throw new Problem(`The package ${name} has no ${program}. Install ${name}, or set ${variable} to where it is.`);
  });
}

/** What a program of such a folder needs in its environment. */
export function unpackedEnvironment(root: string): NodeJS.ProcessEnv {
  if (root === '/') return {};
  return { LD_LIBRARY_PATH: [join(root, 'usr'), root].map(libraryFolder).join(':') };
}

/** Where Debian keeps libraries below a folder that stands for `/usr`, or for `/`. */
export function libraryFolder(below: string): string {
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[arch() as 'x64' | 'arm64'] ?? arch();
  return join(below, 'lib', `${machine}-linux-gnu`);
}

/** Where a package is unpacked in the cache. */
export async function unpackedFolder(name: string): Promise<string> {
  return join(cacheFolder(), name, (await release()).label);
}

/** Puts packages, unpacked, in place of a folder. */
export async function unpackInto(folder: string, packages: readonly string[]): Promise<void> {
  await withTemporaryFolder(basename(dirname(folder)), async (temporary) => {
    const target = join(temporary, 'root');
    await mkdir(target);
    await fetchDebianPackages(packages, target);
    await mkdir(dirname(folder), { recursive: true });
    await rm(folder, { recursive: true, force: true });
    await rename(target, folder);
  });
}

async function fetch(name: string, folder: string): Promise<void> {
  if (!(await release()).isDebianLike) throw new Problem(`${name} is needed for tests. Install it.`);
  say(`fetching ${name} for tests`);
  const packages = await packagesToInstall(name);
  await unpackInto(folder, packages.length > 0 ? packages : [name]);
}
