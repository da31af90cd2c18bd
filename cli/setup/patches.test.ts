import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { repository } from './packages.ts';
import { applyPatches, arePatched, patchedLibraries } from './patches.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-patches-'));
  await mkdir(join(folder, 'patches', 'lib'), { recursive: true });
  await mkdir(join(folder, 'modules', 'lib'), { recursive: true });
  await writeFile(join(folder, 'modules', 'lib', 'a.js'), 'one\ntwo\n');
  await writeFile(join(folder, 'modules', 'lib', 'b.js'), 'three\n');
  await writeFile(join(folder, 'patches', 'lib', '01.patch'), diff('a.js', 'one', '1'));
  await writeFile(join(folder, 'patches', 'lib', '02.patch'), diff('a.js', '1', 'I'));
});
afterEach(() => rm(folder, { recursive: true }));

const diff = (file: string, before: string, after: string) =>
  `Why.\n\n--- a/${file}\n+++ b/${file}\n@@ -1 +1 @@\n-${before}\n+${after}\n`;
const library = async () => {
  const [found] = await patchedLibraries(join(folder, 'patches'));
  if (found === undefined) throw new Error('no library found');
  return found;
};
const modules = () => join(folder, 'modules');
const text = (file: string) => readFile(join(folder, 'modules', 'lib', file), 'utf8');

test('patches are applied in the order of their names, once', async () => {
  expect(await applyPatches(await library(), modules())).toBe('patched');
  expect(await applyPatches(await library(), modules())).toBe('patched');
  expect(await text('a.js')).toBe('I\ntwo\n');
});

test('where one patch does not fit, none is applied', async () => {
  await writeFile(join(folder, 'patches', 'lib', '03.patch'), diff('b.js', 'other', 'text'));
  expect(await applyPatches(await library(), modules())).toBe('foreign');
  expect(await text('a.js')).toBe('one\ntwo\n');
});

test('a library with other patches than now has to be installed anew', async () => {
  await applyPatches(await library(), modules());
  await writeFile(join(folder, 'patches', 'lib', '02.patch'), diff('a.js', '1', 'i'));
  expect(await applyPatches(await library(), modules())).toBe('foreign');
});

test('the libraries that are installed here are patched', async () => {
  const advice = 'the packages are not patched: any ./hawser command or `node cli/setup/patches.ts` does it';
  expect(await arePatched(join(repository, 'node_modules')), advice).toBe(true);
});

test('every patch names the section of the standard, its test and the release that makes it unnecessary', async () => {
  for (const { texts } of await patchedLibraries()) {
    for (const patch of texts)
      expect(patch).toMatch(/^[^\n]+\n\nRFC \d+[\s\S]*\n\nTest: [\s\S]*\nUnnecessary from: [^\n]+\n/);
  }
});
