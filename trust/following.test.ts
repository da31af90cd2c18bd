import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Following } from './following.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-following-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('whoever looks while the files are being read has what comes of that', async () => {
  const path = join(folder, 'list');
  await writeFile(path, 'one');
  const gate = Promise.withResolvers<void>();
  let readings = 0;
  const following = await Following.open(
    async (read) => {
      const text = await read(path);
      readings += 1;
      // The third is the first one after the start.
      if (readings === 3) await gate.promise;
      return text;
    },
    { what: 'The list', lookMs: 3_600_000 },
  );
  await writeFile(path, 'one and two');
  const first = following.look();
  const second = following.look().then(() => following.current);
  gate.resolve();
  expect(await second).toBe('one and two');
  await first;
  following.close();
});
