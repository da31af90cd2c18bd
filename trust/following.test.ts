import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Following } from './following.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-following-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a change is looked for within a second', async () => {
  const path = join(folder, 'list');
  await writeFile(path, 'one');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const following = await Following.open((read) => read(path), { what: 'The list' });
    const changed = new Promise<void>((resolve) => void following.onChange(resolve));
    await writeFile(path, 'one and two');
    vi.advanceTimersByTime(1_000);
    await changed;
    expect(following.current).toBe('one and two');
    following.close();
  } finally {
    vi.useRealTimers();
  }
});

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
