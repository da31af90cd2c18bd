/** PostgreSQL's programs, for tests of the homeserver on it. Whoever runs a homeserver has a database of his own. */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { Problem } from '../errors.ts';
import { withLock } from './cache.ts';
import { packagesToInstall, release } from './debian.ts';
import { findProgram, outcome } from './program.ts';
import { say } from './say.ts';
import { unpackedEnvironment, unpackedFolder, unpackInto } from './unpacked.ts';

/** Where Debian and Ubuntu keep them: one folder a version, none of it on PATH. */
const DEBIAN_FOLDER = join('usr', 'lib', 'postgresql');

/** Compiles long queries to machine code: 120 MB that no test needs. */
const LEFT_OUT = /^libllvm/;

/**
 * The folder with `initdb` and `postgres`: what HAWSER_POSTGRES names, else one of this machine, else Debian's packages, unpacked
 * into the cache. Nothing is installed: a package of a database starts one.
 * @throws Problem saying what to install, when there is none
 */
export async function ensurePostgres(): Promise<string> {
  const given = process.env.HAWSER_POSTGRES;
  if (given) {
    if (await works(given)) return given;
    throw new Problem(
      `HAWSER_POSTGRES is ${given}, and no initdb and postgres that start are there. Mend or unset it.`,
    );
  }
  return (await findPostgres()) ?? withLock('postgres', async () => (await findPostgres()) ?? (await fetchPostgres()));
}

/** What postgres and initdb need in their environment besides what is there. */
export function postgresEnvironment(programs: string): NodeJS.ProcessEnv {
  return unpackedEnvironment(unpackedRoot(programs) ?? '/');
}

/** The folder into which packages were unpacked to give this folder of programs; undefined where they are installed. */
export function unpackedRoot(programs: string): string | undefined {
  const root = dirname(dirname(dirname(dirname(dirname(programs)))));
  return root !== '/' && programs.startsWith(join(root, DEBIAN_FOLDER)) ? root : undefined;
}

async function findPostgres(): Promise<string | undefined> {
  const onPath = await findProgram('initdb');
  const folders = [
    ...(onPath === undefined ? [] : [dirname(onPath)]),
    ...(await versionsIn('/')),
    ...(await versionsIn(await unpackedFolder('postgres'))),
  ];
  for (const folder of folders) if (await works(folder)) return folder;
  return undefined;
}

/** The newest first. */
async function versionsIn(root: string): Promise<string[]> {
  const versions = await readdir(join(root, DEBIAN_FOLDER)).catch(() => []);
  return versions
    .filter((version) => /^\d+$/.test(version))
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, DEBIAN_FOLDER, version, 'bin'));
}

async function works(folder: string): Promise<boolean> {
  const env = { ...process.env, ...postgresEnvironment(folder) };
  const both = await Promise.all(
    ['initdb', 'postgres'].map((name) => outcome(join(folder, name), ['--version'], { env })),
  );
  return both.every(({ code }) => code === 0);
}

async function fetchPostgres(): Promise<string> {
  const byHand =
    'Install PostgreSQL (Debian: apt install postgresql), or set HAWSER_POSTGRES to the folder of its programs.';
  if (!(await release()).isDebianLike) throw new Problem(`The tests of the homeserver need PostgreSQL. ${byHand}`);
  const target = await unpackedFolder('postgres');
  const name = await newestPackage();
  if (name === undefined)
    throw new Problem(`apt knows no package of PostgreSQL. Run apt-get update as root. ${byHand}`);
  say(`fetching PostgreSQL, for the tests only (${name})`);
  const wanted = (await packagesToInstall(name)).filter(
    (each) => each === name || /^(postgresql-client-\d|lib)/.test(each),
  );
  await unpackInto(
    target,
    [...new Set([name, ...wanted])].filter((each) => !LEFT_OUT.test(each)),
  );
  for (const folder of await versionsIn(target)) if (await works(folder)) return folder;
  throw new Problem(`PostgreSQL was fetched, but its programs do not start here. ${byHand}`);
}

/** `postgresql-15`: the server of the release. */
async function newestPackage(): Promise<string | undefined> {
  const { stdout } = await outcome('apt-cache', ['search', '--names-only', '^postgresql-[0-9]+$']);
  const versions = [...stdout.matchAll(/^postgresql-(\d+) /gm)].map((match) => Number(match[1]));
  return versions.length === 0 ? undefined : `postgresql-${Math.max(...versions)}`;
}
