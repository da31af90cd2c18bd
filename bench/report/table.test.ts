import { expect, it } from 'vitest';
import type { TrunkReport } from '../main.ts';
import { SPREAD } from '../scenario/scenario.ts';
import { tableOf } from './table.ts';
import { runFrom, twoReadings } from './testing.ts';

const report: TrunkReport = {
  scenario: {
    ...SPREAD,
    publishers: 1,
    viewers: 1,
    seconds: 10,
    entrance: 'webrtc',
    clips: { camera: [149.6, 498.7, 1498.2], microphone: 32 },
    machine: { processor: 'P', cores: 2, memoryGiB: 8, system: 'Linux 6', node: '24.0.0', mediasoup: '3.27.1' },
    commit: '0123456789ab',
    command: 'hawser bench trunk',
  },
  runs: [runFrom(twoReadings())],
};

it('shows every figure in its place', () => {
  const lines = tableOf(report);
  const line = (begin: string) =>
    lines
      .find((each) => each.startsWith(begin))
      ?.slice(begin.length)
      .trim()
      .split(/ {2,}/);
  expect(line('Crossed in 10.0 s, mode everything, Mbit/s')).toEqual(['alpha>beta', 'beta>alpha']);
  expect(line('cameras, layer 2')).toEqual(['1.500', '0.000']);
  expect(line('sum, as the servers count')).toEqual(['2.000', '0.008']);
  expect(line('sum, as the border counts')).toEqual(['2.010', '0.008']);
  expect(line('difference, %')).toEqual(['-0.50', '0.00']);
  expect(line('viewers with all that they asked for')).toEqual(['1 of 1']);
  expect(line('publishers')).toEqual(['30.0']);
});

it('says what the border did on purpose, and nothing of it where it did nothing', () => {
  const [run] = report.runs;
  if (!run) throw new Error('no run');
  const there = { offered: 1_000, carried: 850, lost: 100, limited: 50, carriedMbps: 1.7 };
  const none = { offered: 10, carried: 10, lost: 0, limited: 0, carriedMbps: 0.008 };
  const impaired = { ...run, impaired: { 'alpha>beta': there, 'beta>alpha': none } };
  const scenario = { ...report.scenario, impairment: { lossPercent: 10, rateLimitMbit: 1.7, seed: 42 } };
  const lines = tableOf({ scenario, runs: [impaired] });
  expect(lines).toContain(
    'In each direction the border loses 10 % of the packets at random (seed 42) and lets 1.7 Mbit/s through, after a queue of 100 ms.',
  );
  expect(lines.find((line) => line.startsWith('lost at random by the border'))).toMatch(/ 100 +0$/);
  expect(lines.find((line) => line.startsWith('dropped by its rate limit'))).toMatch(/ 50 +0$/);
  expect(lines.find((line) => line.startsWith('let through by it'))).toMatch(/ 1\.700 +0\.008$/);
  expect(tableOf(report).join('\n')).not.toMatch(/at random|rate limit/);
});

it('names machine, commit and command, and ends no line with a space', () => {
  const text = tableOf(report).join('\n');
  for (const part of ['P, 2 cores, 8 GiB', '0123456789ab', 'hawser bench trunk']) expect(text).toContain(part);
  expect(text).not.toMatch(/ $/m);
});
