import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SOON } from '#signalling/testing-until.ts';
import { cacheFolder, withLock, withTemporaryFolder } from './cache.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-cache-'));
  vi.stubEnv('HAWSER_CACHE', folder);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

test('the cache is where the environment says, as in the launcher', () => {
  expect(cacheFolder({ HAWSER_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/hawser');
  expect(cacheFolder({})).toMatch(/\/\.cache\/hawser$/);
});

test('a temporary folder is gone after its use, also when that fails', async () => {
  let seen = '';
  const use = async (temporary: string) => {
    seen = temporary;
    expect((await stat(temporary)).isDirectory()).toBe(true);
    throw new Error('failed');
  };
  await expect(withTemporaryFolder('trial', use)).rejects.toThrow('failed');
  await expect(stat(seen)).rejects.toThrow('ENOENT');
});

test('a folder that a killed process left is removed after a day', async () => {
  const left = await withTemporaryFolder('first', async () => mkdtemp(join(folder, 'tmp', 'left.')));
  await withTemporaryFolder('second', async () => undefined);
  expect((await stat(left)).isDirectory()).toBe(true);
  const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000);
  await utimes(left, yesterday, yesterday);
  await withTemporaryFolder('third', async () => undefined);
  expect(await readdir(join(folder, 'tmp'))).toEqual([]);
});

test('two uses of one lock come one after the other, two locks side by side', async () => {
  let inside = 0;
  let most = 0;
  const use = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
  };
  await Promise.all([withLock('a', use, 1), withLock('a', use, 1), withLock('a', use, 1)]);
  expect(most).toBe(1);
  await withLock('a', () => withLock('b', use, 1), 1);
});

test('the lock of a killed process is free', async () => {
  const program = `import { withLock } from ${JSON.stringify(join(import.meta.dirname, 'cache.ts'))};
    await withLock('a', () => { console.log('held'); return new Promise((resolve) => setTimeout(resolve, 60_000)); });`;
  const holder = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '-e',
    program,
  ]);
  try {
    await once(holder.stdout, 'data');
    let entered = false;
    const waiting = withLock(
      'a',
      async () => {
        entered = true;
      },
      1,
    );
    await vi.waitFor(() => expect(process.stderr.write).toHaveBeenCalled(), SOON);
    expect(entered).toBe(false);
    holder.kill('SIGKILL');
    await waiting;
    expect(entered).toBe(true);
  } finally {
    holder.kill('SIGKILL');
  }
});
