import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PATCHED_FILE, patch } from './patch.ts';
import { mediasoup } from './recipe.ts';
import { STANDS_IN_FOR, wrapFolders } from './sources.ts';

test("the patch changes one operator of the installed mediasoup's source, and nothing else", async () => {
  const { folder } = await mediasoup();
  const before = await readFile(join(folder, 'worker', PATCHED_FILE), 'utf8');
  const after = patch(before);
  const lines = after.split('\n').filter((line, i) => line !== before.split('\n')[i]);
  expect(lines.map((line) => line.trim())).toEqual([
    'const long resultOfcallback = (operationType & BIO_CB_RETURN) ? static_cast<long>(ret) : 1;',
  ]);
});

test('a source without the line, or with it twice, is refused', async () => {
  const { folder } = await mediasoup();
  const source = await readFile(join(folder, 'worker', PATCHED_FILE), 'utf8');
  expect(() => patch('int main() {}')).toThrow('does not hold the line');
  expect(() => patch(source + source)).toThrow('does not hold the line');
});

test('the stand-ins are for the versions that the installed mediasoup asks for', async () => {
  const { folder } = await mediasoup();
  const wanted = await wrapFolders(join(folder, 'worker', 'subprojects'));
  expect(wanted).toMatchObject(STANDS_IN_FOR);
});
