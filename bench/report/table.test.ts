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

it('names machine, commit and command, and ends no line with a space', () => {
  const text = tableOf(report).join('\n');
  for (const part of ['P, 2 cores, 8 GiB', '0123456789ab', 'hawser bench trunk']) expect(text).toContain(part);
  expect(text).not.toMatch(/ $/m);
});
