/** The media worker: a program of mediasoup's that carries all media. From where it comes, and whether it can be trusted to work. */
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Problem } from '../errors.ts';
import { buildWorker } from '../worker/build.ts';
import { mediasoup, recipeHash } from '../worker/recipe.ts';
import { cacheFolder, withLock, withTemporaryFolder } from './cache.ts';
import { release } from './debian.ts';
import { downloadWorker } from './download.ts';
import { isExecutable, outcome } from './program.ts';
import { say } from './say.ts';

/** Where a worker may stand in the cache, best first. */
export interface Places {
  /** Depends on mediasoup's version and the platform alone. */
  prebuilt: string;
  /** Depends on the distribution's libraries and on our recipe too. */
  built: string;
}

export async function places(): Promise<Places> {
  const { version } = await mediasoup();
  const base = join(cacheFolder(), 'worker', `mediasoup-${version}-${platform()}-${arch()}`);
  return { prebuilt: `${base}-prebuilt`, built: `${base}-${(await release()).label}-${await recipeHash()}` };
}

/**
 * The path of a media worker that works: the one that MEDIASOUP_WORKER_BIN names, else one from the cache, else mediasoup's
 * prebuilt one, else one built here. Pass it on to mediasoup as `workerBin`, or to a child process as MEDIASOUP_WORKER_BIN.
 * @throws Problem saying what to do, when there is none
 */
export async function ensureWorker(): Promise<string> {
  const found = await findWorker();
  if (found !== undefined) return found;
  return withLock('worker', async () => (await findWorker()) ?? (await install(await places())));
}

/** The worker that is there already, without fetching or building one. */
export async function findWorker(): Promise<string | undefined> {
  const given = process.env.MEDIASOUP_WORKER_BIN;
  if (given) {
    if (await starts(given)) return given;
    throw new Problem(
      `MEDIASOUP_WORKER_BIN is ${given}, and that is no media worker that starts here. Mend or unset it.`,
    );
  }
  for (const folder of Object.values(await places())) {
    if (await starts(workerIn(folder))) return workerIn(folder);
  }
  return undefined;
}

function workerIn(folder: string): string {
  return join(folder, 'mediasoup-worker');
}

/**
 * Whether the program is there with all its libraries: called without a version a worker ends with 41 at once (main.cpp), which is how
 * mediasoup tries its own. A distribution's upgrade can take a library away from under one that was built before.
 */
async function starts(file: string): Promise<boolean> {
  if (!(await isExecutable(file))) return false;
  return (await outcome(file, [], { env: {}, timeout: 10_000 })).code === 41;
}

async function install({ prebuilt, built }: Places): Promise<string> {
  const { version } = await mediasoup();
  const downloaded = await withTemporaryFolder('worker', async (folder) => {
    say(`looking for a ready media worker of mediasoup ${version}`);
    if (!(await downloadWorker(version, folder))) return false;
    await chmod(workerIn(folder), 0o755);
    const fault = (await starts(workerIn(folder)))
      ? await faultOf(workerIn(folder))
      : 'it does not start on this system';
    if (fault === undefined) await keep(folder, prebuilt);
    else say(`the downloaded media worker is not used: ${fault}`);
    return fault === undefined;
  });
  if (downloaded) return workerIn(prebuilt);

  const system = await release();
  if (!system.isDebianLike) {
    throw new Problem(
      `No ready media worker could be downloaded, and Hawser builds one itself only on Debian and Ubuntu, not on ${system.id}. ` +
        `Build mediasoup-worker ${version} as https://mediasoup.org/documentation/v3/mediasoup/installation/ says, and set ` +
        'MEDIASOUP_WORKER_BIN to its path.',
    );
  }
  await withTemporaryFolder('worker', async (folder) => {
    await buildWorker(folder);
    say('testing the media worker');
    const fault = await faultOf(workerIn(folder));
    if (fault === undefined) return keep(folder, built);
    const aside = `${built}-faulty`;
    await keep(folder, aside);
    throw new Problem(
      `The media worker was built but does not carry media, so it is not used: ${fault}. It is kept in ${aside}. Update the ` +
        "system's packages (apt-get upgrade) and try again, or set MEDIASOUP_WORKER_BIN to a worker from another machine.",
    );
  });
  return workerIn(built);
}

/** What the self-test says is wrong with a worker. It runs in a process of its own: a worker that hangs it hangs nothing else. */
async function faultOf(worker: string): Promise<string | undefined> {
  const test = join(import.meta.dirname, '..', 'worker', 'self-test.ts');
  const { code, tail } = await outcome(process.execPath, [...process.execArgv, test, worker], { timeout: 60_000 });
  return code === 0 ? undefined : tail.trim() || `its self-test ended with code ${code}`;
}

async function keep(folder: string, place: string): Promise<void> {
  await mkdir(join(cacheFolder(), 'worker'), { recursive: true });
  await rm(place, { recursive: true, force: true });
  await rm(join(folder, 'worker.tgz'), { force: true });
  await rename(folder, place);
}

// `node cli/setup/worker.ts` prints the path, for scripts that put the worker somewhere else, such as the Dockerfile.
if (import.meta.main) {
  try {
    console.log(await ensureWorker());
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
