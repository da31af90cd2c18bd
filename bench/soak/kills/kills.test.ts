/** The same as `hawser soak kills`, a few times. `HAWSER_KILLS` sets how often. */
import { randomInt } from 'node:crypto';
import process from 'node:process';
import { expect, it } from 'vitest';
import { testDatabase } from '#homeserver/testing/world.ts';
import { complaintsAboutKills } from './report.ts';
import { measureKills, type Victim } from './run.ts';

const TIMES = Number(process.env.HAWSER_KILLS ?? 2);
const TIMEOUT = 120_000 + TIMES * 20_000;

async function kill(victim: Victim, times: number) {
  const seed = randomInt(2 ** 32);
  await using database = new AsyncDisposableStack();
  const made = await testDatabase();
  if (made) database.defer(() => made.drop());
  const report = await measureKills({
    ...{ seed, victim, times, signal: new AbortController().signal, database: made?.url },
    say: (line) => console.log(line),
    onProgress: () => undefined,
  });
  expect(complaintsAboutKills(report)).toEqual([]);
  expect(report.kills).toBe(times);
  expect(report.told).toBeGreaterThan(report.accepted);
}

it('loses, doubles and reorders nothing where the homeserver is killed', { timeout: TIMEOUT }, () =>
  kill('server', TIMES),
);

it('loses, doubles and reorders nothing where applications are killed', { timeout: TIMEOUT }, () =>
  kill('client', Math.ceil(TIMES / 3)),
);
