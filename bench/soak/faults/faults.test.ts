/**
 * The same as `hawser soak faults`, with short schedules: the same ones each time, so that what fails is the change and not the day.
 * `HAWSER_FAULTS` sets how many, `HAWSER_FAULTS_SEED` with which they begin.
 */
import process from 'node:process';
import { expect, inject, it } from 'vitest';
import { testDatabase } from '#homeserver/testing/world.ts';
import { complaintsAboutFaults } from './report.ts';
import { measureFaults } from './run.ts';

const storage = inject('postgres') === undefined ? 'sqlite' : 'postgres';
const SCHEDULES = Number(process.env.HAWSER_FAULTS ?? (storage === 'sqlite' ? 20 : 4));
const SEED = Number(process.env.HAWSER_FAULTS_SEED ?? 1_000);
const TIMEOUT = 120_000 + SCHEDULES * 40_000;

async function play(count: number, domains: number, across: boolean) {
  await using databases = new AsyncDisposableStack();
  const report = await measureFaults({
    ...{ seeds: Array.from({ length: count }, (_, index) => SEED + index), atOnce: 1, storage },
    schedule: { domains, lengthMs: 500, across },
    database: async () => {
      const made = await testDatabase();
      if (!made) throw new Error('there is no PostgreSQL');
      databases.defer(() => made.drop());
      return made.url;
    },
    signal: new AbortController().signal,
    say: (line) => console.log(line),
    onProgress: () => undefined,
  });
  expect(complaintsAboutFaults(report)).toEqual([]);
  expect(report.schedules).toBe(count - report.notGathered);
  expect(report.notGathered).toBeLessThanOrEqual(count / 10);
}

const OF_ONE = Math.ceil(SCHEDULES / 7);

it('loses nothing of one organisation', { timeout: TIMEOUT }, () => play(OF_ONE, 1, false));

it('loses nothing between three organisations', { timeout: TIMEOUT }, () => play(SCHEDULES - OF_ONE, 3, true));
