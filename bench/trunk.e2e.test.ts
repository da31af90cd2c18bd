import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import type { TrunkReport } from './main.ts';
import type { Run } from './report/figures.ts';

const MAIN = join(import.meta.dirname, '..', 'cli', 'main.ts');

/** Two who publish at alpha and one who looks at both at beta. */
const SMALL = `
seconds: 3
people:
  - { at: alpha, count: 2, publish: [camera, microphone] }
  - { at: beta, watch: { layout: speaker } }
speech:
  - { who: everybody }
`;

/** Beta sees gamma's camera in the middle size, gamma beta's small; alpha only carries it. Then beta speaks. */
const THREE = `
seconds: 10
people:
  - { at: alpha }
  - { at: beta, publish: [camera, microphone], watch: { layout: gallery } }
  - { at: gamma, publish: [camera, microphone], watch: { layout: small } }
speech:
  - { who: beta-1, from: 5 }
`;

/** The only place for temporary files that the command knows, so that what it leaves behind is seen. */
let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'hawser-test-'));
});
afterEach(async () => {
  await rm(scratch, { recursive: true });
  await rm(`${scratch}.yaml`, { force: true });
});
const env = () => ({ ...process.env, TMPDIR: scratch });

/** The scenario lies beside the place for temporary files, not in it. */
async function bench(scenario: string, ...flags: string[]): Promise<string[]> {
  const path = `${scratch}.yaml`;
  await writeFile(path, scenario);
  return [MAIN, 'bench', 'trunk', '--scenario', path, ...flags];
}

async function report(scenario: string, ...flags: string[]): Promise<TrunkReport> {
  const words = await bench(scenario, ...flags, '--json');
  const { stdout } = await promisify(execFile)(process.execPath, words, { env: env() });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

function expectAgreement({ border, independent }: Run): void {
  for (const [direction, { mbps }] of Object.entries(independent)) {
    expect(Math.abs((border[direction]?.mbps ?? 0) / mbps - 1)).toBeLessThan(0.01);
  }
}

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
  const page = join(await mkdtemp(join(scratch, 'page-')), 'report.html');
  const { scenario, runs, medians } = await report(SMALL, '--mode', 'everything', '--html', page, ...flags);
  expect(await readFile(page, 'utf8')).toMatch(/<svg [\s\S]*From alpha to beta[\s\S]*<\/svg>/);
  await rm(dirname(page), { recursive: true });
  expect(scenario).toMatchObject({ seconds: 3, entrance, people: [{ count: 2 }, { count: 1 }] });
  expect(runs).toHaveLength(1);
  expect(medians).toEqual(runs.map(({ timeline: _, ...run }) => run));
  const [run] = runs;
  if (!run) throw new Error('no run');
  expect(Object.keys(run)).toEqual([
    'mode',
    'seconds',
    'border',
    'independent',
    'floor',
    'ratio',
    'viewers',
    'cpu',
    'timeline',
  ]);
  expect(Object.keys(run.border)).toEqual(['alpha>beta', 'beta>alpha']);
  const there = run.border['alpha>beta'];
  // Two cameras of 2.15 and two microphones of 0.03 Mbit/s, and headers.
  expect(there?.mbps).toBeGreaterThan(4.3);
  expect(there?.mbps).toBeLessThan(5);
  expectAgreement(run);
  const points = run.timeline ?? [];
  expect(points.length).toBeGreaterThan(1);
  for (const { directions } of points) expect(Object.keys(directions)).toEqual(['alpha>beta', 'beta>alpha']);
  const flows = points.map(({ directions }) => directions['alpha>beta']?.border ?? 0);
  expect(flows.reduce((sum, each) => sum + each, 0) / flows.length).toBeGreaterThan(4);
  // A large and a small picture and two voices had to.
  expect(run.floor['alpha>beta']).toBeGreaterThan(1.7);
  expect(run.floor['alpha>beta']).toBeLessThan(1.9);
  expect(run.ratio).toEqual({ 'alpha>beta': expect.closeTo(2.6, 0) });
  expect(run.viewers).toMatchObject({ count: 1, satisfied: 1, pictures: { wanted: 2, good: 2 } });
  expect(Object.keys(run.cpu)).toEqual(expect.arrayContaining(['publishers', 'viewers', 'border', 'sum']));
  expect(await readdir(scratch)).toEqual([]);
});

it('carries between two organisations by way of the anchor what their people want of each other, and no more', async () => {
  const { runs } = await report(THREE, '--mode', 'layers');
  const [run] = runs;
  if (!run) throw new Error('no run');
  expect(Object.keys(run.border)).toEqual(['alpha>beta', 'beta>alpha', 'alpha>gamma', 'gamma>alpha']);
  expectAgreement(run);
  const layers = (direction: string) => Object.values(run.border[direction]?.byLayer ?? {}).map((mbps) => mbps > 0.1);
  // Gamma's camera in the middle size and perhaps the small one beside it; beta's small.
  for (const direction of ['gamma>alpha', 'alpha>beta']) expect(layers(direction).slice(1)).toEqual([true, false]);
  for (const direction of ['beta>alpha', 'alpha>gamma']) expect(layers(direction)).toEqual([true, false, false]);
  // For half of the window beta speaks: to alpha, and on to gamma.
  const { floor, viewers } = run;
  expect(floor['alpha>gamma']).toBeCloseTo(floor['beta>alpha'] ?? 0, 5);
  expect((floor['beta>alpha'] ?? 0) - 0.16).toBeCloseTo(0.02, 1);
  expect(Object.values(run.ratio).every((ratio) => ratio >= 0.99 && ratio < 2)).toBe(true);
  expect(viewers).toMatchObject({
    count: 3,
    satisfied: 3,
    pictures: { wanted: 4, good: 4 },
    voices: { wanted: 2, good: 2 },
  });
  expect(await readdir(scratch)).toEqual([]);
});

it('says at once where it cannot write a page', async () => {
  const nowhere = join(scratch, 'no', 'such', 'folder', 'report.html');
  const refused = promisify(execFile)(process.execPath, await bench(SMALL, '--html', nowhere), { env: env() });
  await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be written') });
});

it('stops everything after Ctrl-C, in the middle of the start as in the middle of the measuring', async () => {
  for (const moment of ['people join', 'measuring']) {
    const child = spawn(process.execPath, await bench(SMALL, '--seconds', '60'), {
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
