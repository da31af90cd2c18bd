import process from 'node:process';
import { expect, it } from 'vitest';
import { busyTicksOf, machineSeconds, processorSeconds, ticksOf } from './processor.ts';

it('reads user and system time, whatever the name of the program is', () => {
  const rest = 'S 1 1 1 0 -1 4194304 100 0 0 0 250 50 7 7 20 0 11 0 4711 1000 100';
  expect(ticksOf(`42 (node) ${rest}`)).toBe(300);
  expect(ticksOf(`42 (a) b (c) ${rest}`)).toBe(300);
});

it.runIf(process.platform === 'linux')('tells of a living process and of no dead one', async () => {
  expect(await processorSeconds(process.pid)).toBeGreaterThan(0);
  expect(await processorSeconds(2 ** 30)).toBeUndefined();
});

it.runIf(process.platform === 'linux')('reads how busy the whole machine was, without idling and waiting', async () => {
  expect(busyTicksOf('cpu  100 20 30 5000 600 7 8 9 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n')).toBe(174);
  expect(await machineSeconds()).toBeGreaterThan(0);
});
