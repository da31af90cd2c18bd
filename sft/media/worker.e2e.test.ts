import { once } from 'node:events';
import { mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import * as mediasoup from 'mediasoup';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import { freePorts } from '#site/testing-ports.ts';
import { type MediaWorker, MediaWorkers } from './worker.ts';

/** The first back-off is a second. */
const REPLACED_MS = 5_000;

const [port = 0] = await freePorts(2);
let folder: string;
let program: string;
let workers: MediaWorkers;
let died: number[];
let faults: unknown[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-worker-'));
  program = join(folder, 'mediasoup-worker');
  await symlink(mediasoup.workerBin, program);
  [died, faults] = [[], []];
  const options = { workers: 2, listenIp: '127.0.0.1', port, program };
  workers = await MediaWorkers.start(options, {
    onDied: ({ index }) => died.push(index),
    onFault: (error) => faults.push(error),
  });
});

afterEach(async () => {
  await workers.close();
  await rm(folder, { recursive: true });
});

const pids = () => workers.all.map(({ worker }) => worker.pid);

async function kill({ worker }: MediaWorker): Promise<void> {
  const gone = once(worker.observer, 'close');
  process.kill(worker.pid, 'SIGKILL');
  await gone;
}

function workerAt(index: number): MediaWorker {
  const found = workers.all.find((each) => each.index === index);
  if (!found) throw new Error(`no worker ${index}`);
  return found;
}

it('replaces a worker that died', async () => {
  const [first, second] = pids();
  await kill(workerAt(0));
  await until(() => died.length === 1, 'the replacement', REPLACED_MS);
  expect(died).toEqual([0]);
  expect(pids()).toEqual([expect.any(Number), second]);
  expect(pids()[0]).not.toBe(first);
  expect(faults).toEqual([]);
});

it('goes on with the others while one cannot be replaced, tells of it, and tries until it can', async () => {
  // As in the middle of an upgrade.
  await rename(program, `${program}.away`);
  const other = workerAt(1).worker.pid;
  await kill(workerAt(0));
  await until(() => died.length === 1 && faults.length > 0, 'it is told of', REPLACED_MS);
  expect(pids()).toEqual([other]);
  for (const key of ['a', 'b', 'c', 'd']) expect(workers.place(key).worker.pid).toBe(other);
  await rename(`${program}.away`, program);
  await until(() => workers.all.length === 2, 'the replacement', REPLACED_MS);
  expect(workers.all.map(({ index }) => index)).toEqual([0, 1]);
  expect(died).toEqual([0]);
});

it('places nothing where none is left, in a word that says it may be tried again', async () => {
  await rename(program, `${program}.away`);
  await Promise.all(workers.all.map(kill));
  await until(() => died.length === 2, 'it is told of', REPLACED_MS);
  expect(() => workers.place('a')).toThrow(expect.objectContaining({ code: 'SFT_WORKER_DIED' }));
});

it('is closed when no process of it is left, also where one does not obey', async () => {
  const [hung = 0, other = 0] = pids();
  process.kill(hung, 'SIGSTOP');
  await workers.close();
  for (const pid of [hung, other]) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(died).toEqual([]);
});
