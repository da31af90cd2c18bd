import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from '#cli/parse.ts';
import { repository } from '#cli/setup/packages.ts';
import { table } from '#cli/table.ts';
import { blocksOf, callsOf, missingLine, needsAnswer, withValues } from './page.ts';

const page = await readFile(join(repository, 'docs', 'guides', 'install.md'), 'utf8');
const blocks = blocksOf(page);

test('the page goes in numbered steps, each of which has a check', () => {
  const steps = [...page.matchAll(/^## (\d+)\. /gm)].map((match) => Number(match[1]));
  expect(steps).toEqual(steps.map((_, index) => index + 1));
  const checked = new Set(blocks.filter(({ kind }) => needsAnswer(kind)).map(({ step }) => step));
  expect(steps.filter((step) => !checked.has(step))).toEqual([]);
  for (const { kind, answer, line } of blocks) expect(answer !== undefined, `line ${line}`).toBe(needsAnswer(kind));
});

test('what needs the internet has what stands for it beside it', () => {
  const steps = (wanted: string) => blocks.filter(({ kind }) => kind === wanted).map(({ step }) => step);
  for (const step of steps('internet')) expect(steps('trial')).toContain(step);
});

test('every command of hawser on the page is one that there is, with flags and words that it takes', async () => {
  const calls = blocks.flatMap(({ text, line }) => callsOf(text).map((words) => ({ words, line })));
  expect(calls.length).toBeGreaterThanOrEqual(8);
  for (const { words, line } of calls.filter((each) => each.words[0] !== '--help')) {
    const entry = entryOf(words);
    expect(entry, `line ${line}: hawser ${words.join(' ')}`).toBeDefined();
    const command = await entry?.load();
    if (!entry || !command) continue;
    expect(() => parse(command, words.slice(entry.name.split(' ').length)), `line ${line}`).not.toThrow();
  }
});

test('every command that the text names is one that there is', () => {
  for (const [, words = ''] of page.replaceAll(/<!--[\s\S]*?-->/g, '').matchAll(/`hawser ([a-z][^`]*)`/g)) {
    expect(entryOf(words.split(' ')), `hawser ${words}`).toBeDefined();
  }
});

function entryOf(words: readonly string[]) {
  const [first, second] = words;
  return table.find(({ name }) => name === `${first} ${second}`) ?? table.find(({ name }) => name === first);
}

test('a block without an end, a check without an answer, and an answer to nothing are no page', () => {
  expect(() => blocksOf('```sh\nls')).toThrow('line 1: a block that does not end');
  expect(() => blocksOf('```sh check\nls\n```\n```sh\nls\n```')).toThrow('line 2: no answer');
  expect(() => blocksOf('```text\nls\n```')).toThrow('line 1: neither');
  expect(() => blocksOf('```sh chekc\nls\n```')).toThrow('line 1: neither');
});

test('an answer is found in its order, with whatever stands for the dots, and is missed otherwise', () => {
  expect(missingLine('a … c\nd', 'noise\na b  c\nmore\nd')).toBeUndefined();
  expect(missingLine('a\nb', 'b\na')).toBe('b');
  expect(missingLine('a.c', 'abc')).toBe('a.c');
  expect(missingLine('ready', 'not ready')).toBe('ready');
});

test('calls are found over the ends of lines and in pipes, and not in files that are written', () => {
  expect(
    callsOf('hawser a \\\n  --b "c d"\necho hawser | hawser e\ncat > f <<END\nhawser g\nEND\nhawser h > f'),
  ).toEqual([['a', '--b', 'c d'], ['e'], ['h']]);
});

test('a variable is given another value, and none that the page does not set', () => {
  expect(withValues('A=1  # first\nB=2', { B: '3' })).toBe('A=1  # first\nB=3');
  expect(() => withValues('A=1', { C: '3' })).toThrow('the page sets no C');
});
