/** Prometheus and promtool, for tests of dashboards and alerts. Whoever watches a site has a Prometheus of his own. */
import { dirname, join } from 'node:path';
import process from 'node:process';
import { Problem } from '../errors.ts';
import { withLock } from './cache.ts';
import { release } from './debian.ts';
import { findProgram, outcome } from './program.ts';
import { say } from './say.ts';
import { unpackedFolder, unpackInto } from './unpacked.ts';

const PROGRAMS = ['prometheus', 'promtool'];
const BY_HAND =
  'Install Prometheus (Debian: apt install prometheus), or set HAWSER_PROMETHEUS to the folder of prometheus and promtool.';

/**
 * The folder with `prometheus` and `promtool`: what HAWSER_PROMETHEUS names, else one of this machine, else Debian's package, unpacked into
 * the cache. Nothing is installed: the package would start a service that listens to the network.
 * @throws Problem saying what to install, when there is none
 */
export async function ensurePrometheus(): Promise<string> {
  const given = process.env.HAWSER_PROMETHEUS;
  if (given) {
    if (await works(given)) return given;
    throw new Problem(
      `HAWSER_PROMETHEUS is ${given}, and no prometheus and promtool that start are there. Mend or unset it.`,
    );
  }
  return (await find()) ?? withLock('prometheus', async () => (await find()) ?? (await fetchPrometheus()));
}

async function find(): Promise<string | undefined> {
  const onPath = await findProgram('prometheus');
  const folders = [...(onPath === undefined ? [] : [dirname(onPath)]), programsIn(await unpackedFolder('prometheus'))];
  for (const folder of folders) if (await works(folder)) return folder;
  return undefined;
}

function programsIn(root: string): string {
  return join(root, 'usr', 'bin');
}

async function works(folder: string): Promise<boolean> {
  const all = await Promise.all(PROGRAMS.map((name) => outcome(join(folder, name), ['--version'])));
  return all.every(({ code }) => code === 0);
}

/** The programs need nothing but the C library; what else the package depends on is for its own pages. */
async function fetchPrometheus(): Promise<string> {
  if (!(await release()).isDebianLike)
    throw new Problem(`The tests of dashboards and alerts need Prometheus. ${BY_HAND}`);
  const target = await unpackedFolder('prometheus');
  say('fetching Prometheus, for the tests only');
  await unpackInto(target, ['prometheus']);
  if (await works(programsIn(target))) return programsIn(target);
  throw new Problem(`Prometheus was fetched, but its programs do not start here. ${BY_HAND}`);
}
