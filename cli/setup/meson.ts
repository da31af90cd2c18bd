/** The build tool of the media worker, in the version that it asks for. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Problem } from '../errors.ts';
import { cacheFolder, withTemporaryFolder } from './cache.ts';
import { ensureDebianPackages, fetchBackport, release } from './debian.ts';
import { outcome } from './program.ts';
import { say } from './say.ts';

/** How to call it: `spawn(file, [...args, 'setup', …], { env })`. */
export interface Meson {
  file: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
}

/** What the worker's meson.build asks for. */
export const OLDEST_MESON = '1.1.0';

/**
 * meson on PATH, else of the distribution, else from Debian's backports into the cache.
 * @throws Problem saying how to get it, where none of these has one that is new enough
 */
export async function ensureMeson(): Promise<Meson> {
  const onPath: Meson = { file: 'meson', args: [], env: process.env };
  if (await works(onPath)) return onPath;

  const folder = join(cacheFolder(), 'meson');
  const cached = inFolder(folder);
  if (await works(cached)) return cached;

  const system = await release();
  if (system.isDebianLike && isAtLeast(await candidateVersion(), OLDEST_MESON)) {
    await ensureDebianPackages(['meson'], 'to build the media worker');
    if (await works(onPath)) return onPath;
  }
  if (system.id === 'debian') {
    say('fetching meson from Debian backports, for the build only');
    await withTemporaryFolder('meson', async (temporary) => {
      await fetchBackport('meson', join(temporary, 'unpacked'));
      await rm(folder, { recursive: true, force: true });
      await rename(join(temporary, 'unpacked'), folder);
    });
    if (await works(cached)) return cached;
  }
  throw new Problem(
    `meson ${OLDEST_MESON} or newer is needed to build the media worker. Install it (pipx install meson) and try again.`,
  );
}

function inFolder(folder: string): Meson {
  return {
    file: 'python3',
    args: [join(folder, 'usr', 'bin', 'meson')],
    env: { ...process.env, PYTHONPATH: join(folder, 'usr', 'lib', 'python3', 'dist-packages') },
  };
}

async function works({ file, args, env }: Meson): Promise<boolean> {
  const { code, stdout } = await outcome(file, [...args, '--version'], { env });
  return code === 0 && isAtLeast(stdout.trim(), OLDEST_MESON);
}

/** The version that apt would install, or ''. */
async function candidateVersion(): Promise<string> {
  const { stdout } = await outcome('apt-cache', ['policy', 'meson'], { env: { ...process.env, LC_ALL: 'C' } });
  return /Candidate: (?:\d+:)?([\d.]+)/.exec(stdout)?.[1] ?? '';
}

/** Compares versions made of numbers and dots, number by number. */
export function isAtLeast(version: string, floor: string): boolean {
  if (!/^\d+(\.\d+)*/.test(version)) return false;
  const have = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [i, need] of floor.split('.').map(Number).entries()) {
    const number = have[i] ?? 0;
    if (number !== need) return number > need;
  }
  return true;
}
