/** The same as `hawser soak fuzz`, for three thousand inputs or as many as `HAWSER_FUZZ_RUNS` says. */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { testDatabase } from '#homeserver/testing/world.ts';
import { FUZZ_RUNS } from '#signalling/testing-spoil.ts';
import { complaintsAboutFuzz } from './report.ts';
import { clientRoutes } from './routes.ts';
import { measureFuzz } from './run.ts';
import { fitting } from './values.ts';

it('has an input for every route, and most of them fit', async () => {
  const routes = await clientRoutes();
  expect(routes.map(({ method, path }) => `${method} ${path}`)).toContain('POST /api/v1/messages');
  expect(routes.length).toBeGreaterThan(40);
  for (const { body } of routes) if (body) expect(fc.sample(fitting(body), 20)).toHaveLength(20);
});

it('answers whatever a client sends with success or a code', { timeout: 120_000 + FUZZ_RUNS * 20 }, async () => {
  await using undo = new AsyncDisposableStack();
  const database = await testDatabase();
  if (database) undo.defer(() => database.drop());
  const report = await measureFuzz({
    ...{ seed: randomInt(2 ** 32), inputs: FUZZ_RUNS, people: 3, signal: new AbortController().signal },
    database: database?.url,
    say: (line) => console.log(line),
    onProgress: () => undefined,
  });
  expect(complaintsAboutFuzz(report), report.faultLog.join('\n')).toEqual([]);
  expect(report.inputs).toBe(FUZZ_RUNS);
  // They must come further than the first byte, or they prove nothing.
  for (const name of ['routes', 'files', 'MLS message', 'hub: message', 'content']) {
    const { answers = {}, inputs = 0 } = report.targets[name] ?? {};
    // Fewer runs do not come to all of them.
    if (FUZZ_RUNS < 10_000 && inputs === 0) continue;
    expect(Object.keys(answers).length, name).toBeGreaterThan(2);
    expect(Math.max(...Object.values(answers)), name).toBeLessThan(inputs);
  }
});
