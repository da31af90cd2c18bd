import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Problem } from '../errors.ts';
import { ensureWorker, findWorker, places } from './worker.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-worker-'));
  vi.stubEnv('HAWSER_CACHE', folder);
  vi.stubEnv('MEDIASOUP_WORKER_BIN', '');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** A program that ends as a worker without a version does, or not. */
async function fake(file: string, code: number): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\nexit ${code}\n`);
  await chmod(file, 0o755);
  return file;
}

test('a worker in the cache is found; one that does not start any more is not', async () => {
  expect(await findWorker()).toBeUndefined();
  const { built, prebuilt } = await places();
  const file = await fake(join(built, 'mediasoup-worker'), 127);
  expect(await findWorker()).toBeUndefined();
  await fake(file, 41);
  expect(await findWorker()).toBe(file);
  expect(await ensureWorker()).toBe(file);
  const better = await fake(join(prebuilt, 'mediasoup-worker'), 41);
  expect(await findWorker()).toBe(better);
});

test('the worker that the environment names is used, or refused with a sentence, but never passed over', async () => {
  const { built } = await places();
  await fake(join(built, 'mediasoup-worker'), 41);
  const given = await fake(join(folder, 'given'), 41);
  vi.stubEnv('MEDIASOUP_WORKER_BIN', given);
  expect(await ensureWorker()).toBe(given);
  await fake(given, 1);
  await expect(ensureWorker()).rejects.toThrow(Problem);
  vi.stubEnv('MEDIASOUP_WORKER_BIN', join(folder, 'nowhere'));
  await expect(ensureWorker()).rejects.toThrow('Mend or unset it.');
});

test('the place in the cache names version, platform, distribution and recipe', async () => {
  const { dependencies }: { dependencies: { mediasoup: string } } = JSON.parse(
    await readFile(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'),
  );
  const { built, prebuilt } = await places();
  const start = join(folder, 'worker', `mediasoup-${dependencies.mediasoup}-`);
  expect(built.startsWith(start) && prebuilt.startsWith(start)).toBe(true);
  expect(built).toMatch(/-[0-9a-f]{12}$/);
});
