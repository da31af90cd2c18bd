import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository } from './setup/packages.ts';

const text = await readFile(join(repository, 'Dockerfile'), 'utf8');
const ignored = (await readFile(join(repository, '.dockerignore'), 'utf8')).trim().split('\n');
const instructions = text
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '');

const arguments_ = (instruction: string) =>
  instructions
    .filter((line) => line.startsWith(`${instruction} `))
    .map((line) => line.slice(instruction.length + 1).split(/\s+/));

test('each line is an instruction that Docker knows', () => {
  const known = /^(FROM|WORKDIR|COPY|RUN|ENV|USER|HEALTHCHECK|ENTRYPOINT|CMD) \S/;
  for (const line of instructions) expect(line).toMatch(known);
});

test('everything that is copied from the checkout is there and not ignored', async () => {
  const copies = arguments_('COPY').filter(([first]) => !first?.startsWith('--from='));
  expect(copies.length).toBeGreaterThan(0);
  for (const source of copies.flatMap((words) => words.slice(0, -1))) {
    await access(join(repository, source));
    expect(ignored).not.toContain(source);
  }
});

test('everything that is copied from another stage names one that stands above', () => {
  const stages = arguments_('FROM').map((words) => words.at(2));
  for (const [from] of arguments_('COPY').filter(([first]) => first?.startsWith('--from='))) {
    expect(stages).toContain(from?.slice('--from='.length));
  }
});

test('the servers run without root, with a health check, on files that exist', async () => {
  const last = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));
  expect(last.filter((line) => line.startsWith('USER '))).toEqual(['USER node']);
  expect(last.some((line) => line.startsWith('HEALTHCHECK '))).toBe(true);
  for (const [, file] of last.join('\n').matchAll(/"\/hawser\/([^"]+)"/g)) await access(join(repository, file ?? ''));
  for (const [, file] of text.matchAll(/node (cli\/\S+\.ts)/g)) await access(join(repository, file ?? ''));
});

test('the base images have the Node that package.json asks for', async () => {
  const { engines }: { engines: { node: string } } = JSON.parse(
    await readFile(join(repository, 'package.json'), 'utf8'),
  );
  const floor = engines.node.replace('>=', '');
  for (const [image] of arguments_('FROM')) expect(image).toMatch(new RegExp(`^node:${floor}-bookworm`));
});
