import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CheckReport } from './check.ts';

const ROOT = join(import.meta.dirname, '..', '..');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The demo with a temporary folder of its own, so that whatever it leaves there is seen. */
function demo(...words: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(ROOT, 'cli/main.ts'), 'demo', ...words],
      { cwd: ROOT, env: { ...process.env, TMPDIR: folder }, timeout: 90_000 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? 1, stdout, stderr }),
    );
  });
}

/** Processes that were started with our temporary folder, by their environment. */
async function alive(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.includes(`TMPDIR=${folder}`)) found.push(await readlink(`/proc/${pid}/exe`).catch(() => pid));
  }
  return found;
}

it('lets two browsers of two organisations see and hear each other, and leaves nothing behind', async () => {
  const picture = process.env.HAWSER_PICTURE ?? join(ROOT, 'node_modules', '.cache', 'call.png');
  const { code, stdout, stderr } = await demo('--check', '--screenshot', picture);
  const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as CheckReport & {
    leftLoopback: boolean | null;
    seconds: number;
  };
  expect(report, stderr).toMatchObject({ ok: true });
  expect(code).toBe(0);
  for (const side of [report.alice, report.bob]) {
    expect(side.decodedFrames).toBeGreaterThanOrEqual(50);
    expect(side.audioEnergy).toBeGreaterThan(0);
    expect(side.joinMs).toBeGreaterThan(0);
    expect(side.epoch).toMatch(/^[1-9]\d*$/);
  }
  expect(report.trunkBytes['alpha>beta']).toBeGreaterThan(0);
  expect(report.trunkBytes['beta>alpha']).toBeGreaterThan(0);
  expect(report.leftLoopback).not.toBe(true);
  expect((await readFile(picture)).subarray(1, 4).toString()).toBe('PNG');
  expect(await alive()).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
}, 120_000);
