import { access, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { repository } from './setup/packages.ts';

const read = (path: string) => readFile(join(repository, path), 'utf8');
const text = await read('Dockerfile');
const rules = (await read('.dockerignore')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const instructions = text
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '');
const last = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));

const arguments_ = (instruction: string, lines = instructions) =>
  lines
    .filter((line) => line.startsWith(`${instruction} `))
    .map((line) => line.slice(instruction.length + 1).split(/\s+/));

/** As Docker reads the file: the last line that fits a path, or a folder above it, decides. */
function isIgnored(path: string): boolean {
  const parts = path.split('/');
  const andAbove = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  const fits = (rule: string) => {
    const pattern = rule
      .replace(/[.+^$()|[\]{}]/g, '\\$&')
      .replace(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'));
    return andAbove.some((each) => new RegExp(`^${pattern}$`).test(each));
  };
  const rule = rules.findLast((each) => fits(each.replace(/^!/, '')));
  return rule !== undefined && !rule.startsWith('!');
}

test('each line is an instruction that Docker knows', () => {
  const known = /^(FROM|WORKDIR|COPY|RUN|ENV|ARG|LABEL|USER|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD) \S/;
  for (const line of instructions) expect(line).toMatch(known);
});

test('everything that is copied from the checkout is there and not ignored', async () => {
  const copies = arguments_('COPY').filter(([first]) => !first?.startsWith('--from='));
  expect(copies.length).toBeGreaterThan(0);
  for (const source of copies.flatMap((words) => words.slice(0, -1))) {
    await access(join(repository, source));
    if (source !== '.') expect(isIgnored(source), source).toBe(false);
  }
});

test('every folder of the program gets into the image, and nothing that an administrator has beside it', async () => {
  const { imports }: { imports: Record<string, string> } = JSON.parse(await read('package.json'));
  const folders = Object.values(imports).map((path) => path.replace(/^\.\/|\/\*$/g, ''));
  expect(folders).toContain('homeserver');
  for (const folder of folders) expect(isIgnored(`${folder}/main.ts`), folder).toBe(false);
  for (const file of ['hawser', 'package.json', 'package-lock.json', 'patches/x.patch', 'web/page/app.tsx'])
    expect(isIgnored(file), file).toBe(false);
  const others = [
    'hawser.yaml',
    'peers.yaml',
    'certificates/authority.key',
    'cli/authority.key',
    'homeserver/devices.pem',
    'data/hawser.db',
    'alpha.hawser',
    '.git/config',
    '.env',
    'deploy/compose/one/secrets/homeserver/homeserver.key',
    'node_modules/ws/index.js',
    'web/dist/index.html',
    'cli/dockerfile.test.ts',
    'docs/guides/backup.md',
  ];
  for (const file of others) expect(isIgnored(file), file).toBe(true);
});

test('everything that is copied from another stage names one that stands above', () => {
  const stages = arguments_('FROM').map((words) => words.at(2));
  for (const [from] of arguments_('COPY').filter(([first]) => first?.startsWith('--from='))) {
    expect(stages).toContain(from?.slice('--from='.length));
  }
});

test('what builds the media worker is there before it is built, and little else, so that it is seldom built', async () => {
  const build = instructions.findIndex((line) => line.includes('cli/setup/worker.ts'));
  const before = arguments_('COPY', instructions.slice(0, build)).flatMap((words) => words.slice(0, -1));
  expect(before).toEqual(['package.json', 'package-lock.json', 'patches', 'cli/errors.ts', 'cli/setup', 'cli/worker']);
  const seen = new Set<string>();
  const look = async (path: string): Promise<void> => {
    if (seen.has(path)) return;
    seen.add(path);
    expect(
      before.some((each) => path === each || path.startsWith(`${each}/`)),
      path,
    ).toBe(true);
    for (const [, specifier = ''] of (await read(path)).matchAll(/^(?:import|export) [^;]*?from '([^']+)'/gm)) {
      expect(specifier, path).not.toMatch(/^#/);
      if (specifier.startsWith('.')) await look(normalize(join(dirname(path), specifier)));
    }
  };
  for (const begin of ['cli/setup/patches.ts', 'cli/setup/worker.ts', 'cli/worker/self-test.ts']) await look(begin);
  expect(seen).toContain('cli/worker/build.ts');
});

test('the servers run as nobody in particular, without tools, and end in order', async () => {
  expect(arguments_('USER', last)).toEqual([['10001:10001']]);
  expect(last.join('\n')).not.toMatch(/-dev\b|build-essential|\bgcc\b|\bnpm\b|\bcurl\b|chmod 777/);
  expect(arguments_('STOPSIGNAL', last)).toEqual([['SIGTERM']]);
  for (const form of ['ENTRYPOINT', 'CMD']) expect(arguments_(form, last)[0]?.join(' '), form).toMatch(/^\[".*"\]$/);
  expect(last.some((line) => /^HEALTHCHECK .* CMD \[".*"\]$/.test(line))).toBe(true);
  for (const [, file] of last.join('\n').matchAll(/"\/hawser\/([^"]+)"/g)) await access(join(repository, file ?? ''));
  for (const [, file] of text.matchAll(/node (cli\/\S+\.ts)/g)) await access(join(repository, file ?? ''));
});

test('the image says what it is and of which sources it was made', () => {
  const labels = last.find((line) => line.startsWith('LABEL ')) ?? '';
  for (const name of ['title', 'description', 'licenses', 'version', 'revision'])
    expect(labels).toMatch(new RegExp(`org\\.opencontainers\\.image\\.${name}="[^"]+"`));
});

test('the base image has the Node of the launcher, and both can be given as digests', async () => {
  const pinned = /^pinned=(.+)$/m.exec(await read('hawser'))?.[1];
  const first = instructions.slice(
    0,
    instructions.findIndex((line) => line.startsWith('FROM ')),
  );
  // The same release of Debian, so that what was linked in the one finds its libraries in the other.
  expect(first).toEqual([`ARG NODE_IMAGE=node:${pinned}-bookworm`, 'ARG DEBIAN_IMAGE=debian:bookworm-slim']);
  const names = ['NODE_IMAGE', 'DEBIAN_IMAGE'];
  expect(arguments_('FROM').map(([image]) => image)).toEqual(names.map((name) => `$\{${name}}`));
  const guide = await read('docs/guides/containers.md');
  for (const name of names) expect(guide).toContain(`--build-arg ${name}=`);
});
