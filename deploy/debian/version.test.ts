import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { outcome } from '#cli/setup/program.ts';
import { versionOf } from './version.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-version-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** @param date with an offset */
async function commit(date: string): Promise<void> {
  const who = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@alpha.example' };
  const env = { ...process.env, ...who, GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@alpha.example' };
  const git = (...args: string[]) =>
    promisify(execFile)('git', ['-C', folder, ...args], { env: { ...env, GIT_COMMITTER_DATE: date } });
  await git('init', '--quiet');
  await git('commit', '--quiet', '--allow-empty', '--message', 'Change nothing');
}

async function isNewer(version: string, other: string): Promise<boolean> {
  return (await outcome('dpkg', ['--compare-versions', version, 'gt', other])).code === 0;
}

test('each commit is newer than those before it, wherever in the world it was made, and always the same', async () => {
  // A minute apart, on both sides of midnight of where they were made.
  await commit('2026-11-29T00:30:00+02:00');
  const first = await versionOf(folder, '0.1.0');
  expect(first).toMatch(/^0\.1\.0\+git20261128\.223000\.[0-9a-f]{12}$/);
  expect(await versionOf(folder, '0.1.0')).toBe(first);
  await commit('2026-11-28T19:31:00-03:00');
  const second = await versionOf(folder, '0.1.0');
  expect(await isNewer(second, first)).toBe(true);
  expect(await isNewer('0.2.0', second)).toBe(true);
  expect(await isNewer(first, '0.1.0')).toBe(true);
});

test('a copy without its history has the version of package.json, and one that git does not know is refused', async () => {
  expect(await versionOf(folder, '0.1.0')).toBe('0.1.0');
  await mkdir(join(folder, '.git'));
  await expect(versionOf(folder, '0.1.0')).rejects.toThrow('git could not say which version this is');
});
