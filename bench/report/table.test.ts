import { expect, it } from 'vitest';
import type { TrunkReport } from '../main.ts';
import { tableOf } from './table.ts';
import { runFrom, told, twoReadings } from './testing.ts';

const run = runFrom(twoReadings());
const report: TrunkReport = {
  scenario: told,
  runs: [run],
  medians: [run],
};

function cells(lines: readonly string[], begin: string): string[] | undefined {
  const line = lines.find((each) => each.trim().startsWith(begin));
  return line?.trim().slice(begin.length).trim().split(/ {2,}/);
}

it('shows every figure in its place', () => {
  const lines = tableOf(report);
  const line = (begin: string) => cells(lines, begin);
  expect(line('Crossed in 10.0 s, mode everything, Mbit/s')).toEqual(['alpha>beta', 'beta>alpha']);
  expect(line('cameras, layer 2')).toEqual(['1.500', '0.000']);
  expect(line('sum, as the servers count')).toEqual(['2.000', '0.008']);
  expect(line('sum, as the border counts')).toEqual(['2.010', '0.008']);
  expect(line('difference, %')).toEqual(['-0.50', '0.00']);
  expect(line('floor: what had to cross')).toEqual(['1.600', '0.000']);
  expect(line('crossed, by the floor')).toEqual(['1.256', '10000 bytes']);
  expect(line('viewers with all that they asked for')).toEqual(['1 of 1']);
  expect(line('publishers')).toEqual(['30.0']);
});

it('says what the border did on purpose, and nothing of it where it did nothing', () => {
  const there = { offered: 1_000, carried: 850, lost: 100, limited: 50, carriedMbps: 1.7 };
  const none = { offered: 10, carried: 10, lost: 0, limited: 0, carriedMbps: 0.008 };
  const impaired = { ...run, impaired: { 'alpha>beta': there, 'beta>alpha': none } };
  const scenario = { ...report.scenario, impairment: { lossPercent: 10, rateLimitMbit: 1.7, seed: 42 } };
  const lines = tableOf({ scenario, runs: [impaired], medians: [impaired] });
  expect(lines).toContain(
    'In each direction the border loses 10 % of the packets at random (seed 42) and lets 1.7 Mbit/s through, after a queue of 100 ms.',
  );
  expect(lines.find((line) => line.startsWith('lost at random by the border'))).toMatch(/ 100 +0$/);
  expect(lines.find((line) => line.startsWith('dropped by its rate limit'))).toMatch(/ 50 +0$/);
  expect(lines.find((line) => line.startsWith('let through by it'))).toMatch(/ 1\.700 +0\.008$/);
  expect(tableOf(report).join('\n')).not.toMatch(/at random|rate limit/);
});

it('puts several modes side by side, with how many times less than everything each of them is', () => {
  const half = {
    ...run,
    mode: 'layers',
    independent: { 'alpha>beta': { mbps: 1.005 }, 'beta>alpha': { mbps: 0 } },
    ratio: { 'alpha>beta': 0.628 },
    cpu: { ...run.cpu, 'media worker 0 of alpha': 4.2 },
  };
  const first = { ...run, cpu: { ...run.cpu, 'media worker 0 of alpha': 8.4 } };
  const lines = tableOf({ ...report, runs: [first, half, first, half], medians: [first, half] });
  expect(cells(lines, 'Mode')).toEqual(['everything', 'layers']);
  expect(cells(lines, 'sum, as the border counts')).toEqual(['2.010', '1.005']);
  expect(cells(lines, 'crossed, by the floor')).toEqual(['1.256', '0.628']);
  expect(cells(lines, 'times less than everything')).toEqual(['1.0', '2.0']);
  expect(cells(lines, 'media worker 0 of alpha, % of a core')).toEqual(['8.4', '4.2']);
  expect(cells(lines, 'viewers with all that they asked for')).toEqual(['1 of 1', '1 of 1']);
  expect(lines).toContain('Each figure is the median of 2 runs.');
});

it('says in words who is there', () => {
  const lines = tableOf(report);
  expect(lines.slice(1, 4)).toEqual([
    'alpha: 2 people with camera and microphone.',
    'beta: 1 person who looks at the speaker large and 1 other small.',
    'Speaking: alpha-1.',
  ]);
});

it('names machine, commit and command, and ends no line with a space', () => {
  const text = tableOf(report).join('\n');
  for (const part of ['P, 2 cores, 8 GiB', '0123456789ab', 'hawser bench trunk']) expect(text).toContain(part);
  expect(text).not.toMatch(/ $/m);
});
