/** The plan of the house, held against the sources: who imports whom, and that every folder says what it is for. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** All that stands below what puts it together. */
const BELOW = [
  'signalling',
  'site',
  'trust',
  'check',
  'turn-config',
  'ports',
  'doctor',
  'mls',
  'sft',
  'homeserver',
  'client',
  'web',
] as const;

/** Folder to the folders of ours that it may import. Tests and their helpers may import anything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  signalling: [],
  site: ['signalling'],
  trust: ['signalling', 'site'],
  check: ['signalling', 'site', 'trust', 'turn-config'],
  mls: ['signalling'],
  sft: ['signalling', 'site', 'trust'],
  'turn-config': ['signalling', 'site'],
  ports: ['signalling', 'site', 'trust'],
  homeserver: ['signalling', 'site', 'trust', 'turn-config', 'mls'],
  doctor: ['signalling', 'site', 'trust', 'check', 'turn-config', 'ports', 'sft', 'homeserver', 'client'],
  client: ['signalling', 'mls'],
  web: ['client', 'signalling'],
  deploy: ['signalling', 'site', 'trust', 'web', 'cli'],
  bench: [...BELOW, 'cli'],
  cli: [...BELOW, 'bench', 'deploy'],
};

const isTest = (path: string) => /\.test\.tsx?$|\/testing/.test(path);

async function sources(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
    .filter((path) => !path.includes('/dist/'));
}

async function importsOf(path: string): Promise<string[]> {
  const text = await readFile(join(ROOT, path), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}

/** The folder of ours that an import leads to, or undefined for a package. */
function folderOf(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1).split('/')[0];
  if (specifier.startsWith('.')) return normalize(join(dirname(path), specifier)).split('/')[0];
  return undefined;
}

describe.each(Object.entries(MAY_IMPORT))('%s/', (folder, allowed) => {
  it('imports only what it may', async () => {
    const wrong: string[] = [];
    for (const path of (await sources(folder)).filter((each) => !isTest(each))) {
      for (const specifier of await importsOf(path)) {
        const target = folderOf(path, specifier);
        if (target !== undefined && target !== folder && !allowed.includes(target)) wrong.push(`${path}: ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('has a README of one screen', async () => {
    const text = await readFile(join(ROOT, folder, 'README.md'), 'utf8');
    expect(text.split('\n').length).toBeLessThanOrEqual(60);
  });
});

it('has only files of a size that one can read, or that say why they are longer', async () => {
  const long: string[] = [];
  for (const folder of Object.keys(MAY_IMPORT)) {
    for (const path of await sources(folder)) {
      const lines = (await readFile(join(ROOT, path), 'utf8')).split('\n').length;
      if (lines > 600) long.push(`${path}: ${lines}`);
    }
  }
  expect(long).toEqual([]);
});

it('knows mediasoup in one folder of the SFT only', async () => {
  const wrong: string[] = [];
  for (const path of (await sources('sft')).filter((each) => !each.startsWith('sft/media/') && !isTest(each))) {
    const text = await readFile(join(ROOT, path), 'utf8');
    if (/^import (?!type ).*from 'mediasoup'/m.test(text)) wrong.push(path);
  }
  expect(wrong).toEqual([]);
});

it('knows the MLS library in one folder only, which runs in browsers too', async () => {
  const wrong: string[] = [];
  for (const folder of Object.keys(MAY_IMPORT)) {
    for (const path of (await sources(folder)).filter((each) => !isTest(each))) {
      const inside = path.startsWith('mls/');
      // What is quicker on Node, and left out of pages.
      if (path === 'mls/node-engine.ts') continue;
      const forbidden = inside ? /^node:/ : /^ts-mls(\/|$)/;
      if ((await importsOf(path)).some((specifier) => forbidden.test(specifier))) wrong.push(path);
    }
  }
  expect(wrong).toEqual([]);
});

it('keeps what is under the GPL in one file that is for tests, and out of what is shipped', async () => {
  const name = '@wireapp/core-crypto';
  const home = 'mls/testing/interop/';
  const wrong: string[] = [];
  for (const folder of Object.keys(MAY_IMPORT)) {
    for (const path of await sources(folder)) {
      const imported = await importsOf(path);
      const uses = imported.some((each) => each === name || each.startsWith(`${name}/`));
      if (uses && path !== `${home}theirs.ts`) wrong.push(path);
      // What is shipped does not come to it by another file either.
      if (!isTest(path) && imported.some((each) => each.includes('testing/interop/'))) wrong.push(path);
    }
  }
  expect(wrong).toEqual([]);
  expect(await importsOf(`${home}theirs.ts`)).toContain(`${name}/browser`);
  const { dependencies, devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  expect(Object.keys(dependencies)).not.toContain(name);
  expect(Object.keys(devDependencies)).toContain(name);
});

it('ships nothing under the GPL, and knows what of it helps to develop', async () => {
  interface Locked {
    readonly dev?: boolean;
    readonly license?: string;
  }
  const lock: { packages: Record<string, Locked> } = JSON.parse(
    await readFile(join(ROOT, 'package-lock.json'), 'utf8'),
  );
  // Also where it is one of two that one may choose from: somebody should look at that.
  const copyleft = Object.entries(lock.packages).filter(([, { license }]) => /GPL/.test(license ?? ''));
  expect(copyleft.map(([path, { dev }]) => [path, dev])).toEqual([['node_modules/@wireapp/core-crypto', true]]);
});

it('keeps the pure parts of the SFT free of sockets, clocks and media', async () => {
  const wrong: string[] = [];
  for (const folder of ['sft/conference', 'sft/trunk']) {
    for (const path of (await sources(folder)).filter((each) => !isTest(each))) {
      const text = await readFile(join(ROOT, path), 'utf8');
      if (/from '(node:|mediasoup|ws)|Date\.now|performance\.|setTimeout|Math\.random/.test(text)) wrong.push(path);
    }
  }
  expect(wrong).toEqual([]);
});

it('shows in its README a picture that exists, and leads to pages that exist', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const targets = [...readme.matchAll(/\]\(([^)#]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((each) => !/^https?:/.test(each));
  expect(targets).toContain('docs/images/call.png');
  for (const target of targets) expect((await stat(join(ROOT, target))).isFile(), target).toBe(true);
});
