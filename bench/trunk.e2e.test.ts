import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import type { TrunkReport } from './main.ts';

const MAIN = join(import.meta.dirname, '..', 'cli', 'main.ts');
const command = [MAIN, 'bench', 'trunk', '--publishers', '2', '--viewers', '1', '--json'];

/** The only place for temporary files that the command knows, so that what it leaves behind is seen. */
let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'hawser-test-'));
});
afterEach(() => rm(scratch, { recursive: true }));
const env = () => ({ ...process.env, TMPDIR: scratch });

async function childrenOf(pid: number): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=', '--ppid', String(pid)]).catch(() => ({
    stdout: '',
  }));
  return stdout.split('\n').filter((line) => line.trim() !== '');
}

it.each([
  ['WebRTC', [], 'webrtc'],
  ['plain RTP', ['--plain'], 'plain'],
])('measures two publishers and one viewer by %s, and both counts agree', async (_, flags, entrance) => {
  const words = [...command, '--seconds', '3', ...flags];
  const { stdout } = await promisify(execFile)(process.execPath, words, { env: env() });
  const { scenario, runs }: TrunkReport = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  expect(scenario).toMatchObject({ name: 'spread', publishers: 2, viewers: 1, seconds: 3, entrance });
  expect(runs).toHaveLength(1);
  const [run] = runs;
  expect(Object.keys(run ?? {})).toEqual(['mode', 'seconds', 'border', 'independent', 'viewers', 'cpu', 'timeline']);
  expect(Object.keys(run?.border ?? {})).toEqual(['alpha>beta', 'beta>alpha']);
  const there = run?.border['alpha>beta'];
  // Two cameras of 2.15 and two microphones of 0.03 Mbit/s, and headers.
  expect(there?.mbps).toBeGreaterThan(4.3);
  expect(there?.mbps).toBeLessThan(5);
  for (const [direction, { mbps }] of Object.entries(run?.independent ?? {})) {
    expect(Math.abs((run?.border[direction]?.mbps ?? 0) / mbps - 1)).toBeLessThan(0.01);
  }
  const points = run?.timeline ?? [];
  expect(points.length).toBeGreaterThan(1);
  for (const { directions } of points) expect(Object.keys(directions)).toEqual(['alpha>beta', 'beta>alpha']);
  const flows = points.map(({ directions }) => directions['alpha>beta']?.border ?? 0);
  expect(flows.reduce((sum, each) => sum + each, 0) / flows.length).toBeGreaterThan(4);
  expect(run?.viewers).toMatchObject({ count: 1, satisfied: 1, pictures: { wanted: 2, good: 2 } });
  expect(Object.keys(run?.cpu ?? {})).toEqual(expect.arrayContaining(['publishers', 'viewers', 'border', 'sum']));
  expect(await readdir(scratch)).toEqual([]);
});

it('writes a page with charts, and says at once where it cannot', async () => {
  const page = join(await mkdtemp(join(scratch, 'page-')), 'report.html');
  const words = [...command, '--seconds', '2', '--loss', '1', '--seed', '7', '--html', page];
  // One lost packet of a voice in two seconds may be one too many; the page is written all the same.
  await promisify(execFile)(process.execPath, words, { env: env() }).catch(() => undefined);
  const html = await readFile(page, 'utf8');
  expect(html).toContain('loses 1 % of the packets at random (seed 7)');
  expect(html).toMatch(/<svg [\s\S]*From alpha to beta[\s\S]*<\/svg>/);

  const nowhere = join(scratch, 'no', 'such', 'folder', 'report.html');
  const refused = promisify(execFile)(process.execPath, [...command, '--html', nowhere], { env: env() });
  await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be written') });
});

it('stops everything after Ctrl-C, in the middle of the start as in the middle of the measuring', async () => {
  for (const moment of ['publishers join', 'measuring']) {
    const child = spawn(process.execPath, [...command, '--seconds', '60'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: env(),
    });
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await until(() => said.includes(moment), moment, 40_000);
    const children = await childrenOf(child.pid ?? 0);
    expect(children.length).toBeGreaterThan(4);
    child.kill('SIGINT');
    expect(await exited).toBe(1);
    await until(async () => (await Promise.all(children.map(isGone))).every(Boolean), 'the end of all processes');
    expect(await readdir(scratch)).toEqual([]);
  }
});

async function isGone(pid: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=', '-p', pid.trim()]).catch(() => ({ stdout: '' }));
  return stdout.trim() === '';
}
