/** Builds the page into `web/dist/`, only when a file that it is made of has changed since. */
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'web', 'dist');
/** In the built folder, so that it goes when that goes: a hash over everything that went in. */
const STAMP = '.inputs';
const INPUTS = ['web', 'client', 'mls', 'signalling', 'patches', 'package-lock.json'];

export interface Built {
  /** The folder to serve. */
  readonly folder: string;
  /** False where it was current already. */
  readonly fresh: boolean;
}

export async function buildWeb(): Promise<Built> {
  const inputs = await hashOf(INPUTS);
  if (await isCurrent(inputs)) return { folder: DIST, fresh: false };
  // Loaded only here: a start with a current page does not pay for the bundler.
  const { build } = await import('vite');
  // Built aside and moved into place whole: a server that serves it, or a build at the same time, sees the old or the new. Where another
  // build of the same came first, that one stays: it may be served already.
  const aside = await mkdtemp(join(ROOT, 'node_modules', '.web-'));
  const before = `${aside}-before`;
  try {
    await chmod(aside, 0o755); // the server may run as somebody else than the builder
    const configFile = join(ROOT, 'web', 'vite.config.ts');
    await build({ configFile, logLevel: 'warn', build: { outDir: aside, emptyOutDir: true } });
    await writeFile(join(aside, STAMP), inputs);
    if (!(await isCurrent(inputs))) {
      await rename(DIST, before).catch(() => undefined); // there is none, or another build takes it away
      await rename(aside, DIST).catch(async (error: unknown) => {
        if (!(await isCurrent(inputs))) throw error;
      });
    }
  } finally {
    await rm(aside, { recursive: true, force: true });
    await rm(before, { recursive: true, force: true });
  }
  return { folder: DIST, fresh: true };
}

async function hashOf(paths: readonly string[]): Promise<string> {
  const files = (await Promise.all(paths.map((path) => filesOf(path)))).flat().sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join(ROOT, file)));
  return hash.digest('hex');
}

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, path), { withFileTypes: true }).catch(() => undefined);
  if (!entries) return [path];
  const inside = entries
    .filter(
      ({ name }) => !name.startsWith('dist') && name !== 'testing' && !name.includes('.test.') && !name.endsWith('.md'),
    )
    .map((entry) => (entry.isDirectory() ? filesOf(join(path, entry.name)) : [join(path, entry.name)]));
  return (await Promise.all(inside)).flat();
}

/** Whether what lies in the built folder was made of this. */
async function isCurrent(inputs: string): Promise<boolean> {
  return (await readFile(join(DIST, STAMP), 'utf8').catch(() => undefined)) === inputs;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { folder, fresh } = await buildWeb();
  console.log(fresh ? `built ${folder}` : `${folder} is current`);
}
