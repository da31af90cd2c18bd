/** Helm, with which tests render the chart of `deploy/helm/`. Whoever installs the chart has one. */
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { Problem } from '../errors.ts';
import { cacheFolder, withLock, withTemporaryFolder } from './cache.ts';
import { findProgram, outcome, run } from './program.ts';
import { say } from './say.ts';

/** What is built where there is none. Any Helm from 3.8 on renders the chart alike. */
const VERSION = 'v3.18.4';

/**
 * The path of a Helm that starts: what HAWSER_HELM names, else one on PATH, else one from the cache, where it is built from its Go module.
 * @throws Problem saying what to install, where there is none and no Go to build it
 */
export async function ensureHelm(): Promise<string> {
  const given = process.env.HAWSER_HELM;
  if (given) {
    if (await starts(given)) return given;
    throw new Problem(`HAWSER_HELM is ${given}, and that is no Helm that starts here. Mend or unset it.`);
  }
  const onPath = await findProgram('helm');
  if (onPath !== undefined && (await starts(onPath))) return onPath;
  const built = join(cacheFolder(), 'helm', VERSION, 'helm');
  return withLock('helm', async () => {
    if (!(await starts(built))) await build(built);
    return built;
  });
}

async function starts(file: string): Promise<boolean> {
  const { code, stdout } = await outcome(file, ['version', '--short']);
  return code === 0 && /^v[3-9]\./m.test(stdout);
}

async function build(target: string): Promise<void> {
  const byHand = 'Install Helm (https://helm.sh/docs/intro/install/), or set HAWSER_HELM to its path.';
  const go = await findProgram('go');
  if (go === undefined) throw new Problem(`Helm is needed for this, and there is no Go here to build it. ${byHand}`);
  say(`building Helm ${VERSION}, for the tests only (about a minute on two cores, once)`);
  await withTemporaryFolder('helm', async (folder) => {
    const env = { ...process.env, GOBIN: folder };
    const what = `Helm could not be built. ${byHand} The last lines of Go:`;
    // Neither optimised nor with symbols: one minute in place of one and a half.
    const quick = ['-gcflags=all=-N -l', '-ldflags=-s -w'];
    await run(go, ['install', ...quick, `helm.sh/helm/v3/cmd/helm@${VERSION}`], what, { env });
    if (!(await starts(join(folder, 'helm'))))
      throw new Problem(`Helm was built, but it does not start here. ${byHand}`);
    await mkdir(dirname(target), { recursive: true });
    await rename(join(folder, 'helm'), target);
  });
}
