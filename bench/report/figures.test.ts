import { expect, it } from 'vitest';
import { accountOf } from '../measure/account.ts';
import type { StreamReading } from '../people/viewer.ts';
import { differencePercent, type Reading, spreadOf } from './figures.ts';
import { runFrom, sftState, twoReadings } from './testing.ts';
import { complaintsAbout, notesOn } from './verdict.ts';

it('makes the figures of fixed readings', () => {
  const run = runFrom(twoReadings());
  expect(run).toMatchObject({ mode: 'everything', seconds: 10 });
  // 10 s: 2,500,000 bytes are 2 Mbit/s
  expect(run.border['alpha>beta']).toEqual({
    mbps: 2,
    byLayer: { '0': 0.15, '1': 0, '2': 1.5 },
    byKind: { camera: 1.65, microphone: 0.032, screen: 0, overhead: 0.318 },
  });
  expect(run.border['beta>alpha']).toEqual({
    mbps: 0.008,
    byLayer: { '0': 0, '1': 0, '2': 0 },
    byKind: { camera: 0, microphone: 0, screen: 0, overhead: 0.008 },
  });
  expect(run.independent).toEqual({ 'alpha>beta': { mbps: 2.01 }, 'beta>alpha': { mbps: 0.008 } });
  expect(differencePercent(run, 'alpha>beta')).toBeCloseTo(-0.4975, 3);
  expect(run.floor).toEqual({ 'alpha>beta': 1.6, 'beta>alpha': 0 });
  expect(run.ratio).toEqual({ 'alpha>beta': 1.256 });
  expect(run.viewers).toMatchObject({
    count: 1,
    satisfied: 1,
    pictures: { wanted: 2, good: 2, framesPerSecond: { least: 29.9, most: 30 } },
    voices: { wanted: 1, good: 1 },
    kbps: { median: 1_760 },
    lostPercent: 0.1,
    firstPictureMs: { large: { median: 400 }, small: { median: 120 } },
    lostOnTheWay: { atBorder: 0, atTrunkEnds: 0, atPeople: 0 },
    skippedByPublishers: 0,
  });
  expect(run.cpu).toEqual({ publishers: 30, border: 5, sum: 35, others: 25 });
  expect([complaintsAbout(run), notesOn(run)]).toEqual([[], []]);
});

it('parts of a direction add up to its sum', () => {
  const { border } = runFrom(twoReadings());
  for (const { mbps, byKind, byLayer } of Object.values(border)) {
    const sum = (parts: Readonly<Record<string, number>>) =>
      Object.values(parts).reduce((total, part) => total + part, 0);
    expect(sum(byKind)).toBeCloseTo(mbps, 5);
    expect(sum(byLayer)).toBeCloseTo(byKind.camera, 5);
  }
});

it('counts a stream that began in the window from its begin, and one that ended in the sum only', () => {
  const { before, after } = twoReadings();
  const late = accountOf(sftState('beta', 3_000_000, [['new', 'screen', 0, 250_000]]), 'beta');
  const { border } = runFrom({ before, after: { ...after, accounts: { 'alpha>beta': late } } });
  expect(border['alpha>beta']?.byKind).toEqual({ camera: 0, microphone: 0, screen: 0.2, overhead: 1.8 });
});

it('complains where the counts differ by one per cent', () => {
  const { before, after } = twoReadings();
  const counts = { ...after.border.counts, 'alpha>beta': { bytes: 3_100_000, packets: 9 } };
  const run = runFrom({ before, after: { ...after, border: { ...after.border, counts } } });
  expect(complaintsAbout(run)).toEqual(['The counts of alpha>beta differ by 3.85 %; less than 1 % was expected.']);
});

function withStreams(after: Reading, change: (stream: StreamReading) => StreamReading[]): Reading {
  return { ...after, viewers: after.viewers.map((each) => ({ ...each, streams: each.streams.flatMap(change) })) };
}

it.each([
  ['wrong size', { width: 640 }],
  ['too few pictures', { frames: 120 }],
])('complains where a viewer got a picture of the %s', (_, change) => {
  const { before, after } = twoReadings();
  const run = runFrom({
    before,
    after: withStreams(after, (each) => [each.width === 1_280 ? { ...each, ...change } : each]),
  });
  expect(run.viewers).toMatchObject({ satisfied: 0, pictures: { good: 1 } });
  expect(complaintsAbout(run)[0]).toContain('1 of 1 viewers did not get all');
});

it('is content where one of two renditions brings the size that is wanted', () => {
  const { before, after } = twoReadings();
  const small = (each: StreamReading) => ({ ...each, consumer: `small ${each.consumer}`, width: 320, frames: 90 });
  const run = runFrom({ before, after: withStreams(after, (each) => [small(each), each]) });
  expect(run.viewers).toMatchObject({ satisfied: 1, pictures: { wanted: 2, good: 2 } });
});

it('complains where a voice never came, and notes what the machine was too slow for', () => {
  const { before, after } = twoReadings();
  const silent = withStreams(after, (each) => (each.kind === 'microphone' ? [] : [each]));
  const run = runFrom({
    before,
    after: { ...silent, skipped: 4, loss: { border: 2, trunk: 1, people: 0, strays: 0 } },
  });
  expect(run.viewers).toMatchObject({ satisfied: 0, voices: { wanted: 1, good: 0 } });
  expect(notesOn(run)).toHaveLength(2);
});

it('does not take comfort noise for a voice, and misses no voice of somebody who is silent', () => {
  const { before, after } = twoReadings();
  const comfort = withStreams(after, (each) => [each.kind === 'microphone' ? { ...each, spoken: 6 } : each]);
  expect(runFrom({ before, after: comfort }).viewers).toMatchObject({ satisfied: 0, voices: { good: 0 } });
  const silent = runFrom({ before, after: comfort }, { phases: [{ from: 0, to: 10, speaking: [], wants: new Map() }] });
  expect(silent.viewers).toMatchObject({ satisfied: 1, voices: { wanted: 0 }, pictures: { wanted: 0 } });
});

it('judges each phase by what is wanted in it, and a viewer by all of them', () => {
  const { before, after } = twoReadings();
  const want = (who: string, layer: number) => new Map([['beta-1', [{ who, kind: 'camera' as const, layer }]]]);
  const phases = [
    { from: 0, to: 5, speaking: [], wants: want('alpha-1', 2) },
    { from: 5, to: 10, speaking: [], wants: want('alpha-1', 0) },
  ];
  const part = { before: before.viewers, after: after.viewers };
  const { viewers } = runFrom({ before, after }, { phases, parts: [part, part] });
  expect(viewers).toMatchObject({ count: 1, satisfied: 0, pictures: { wanted: 2, good: 1 } });
});

it('describes many values by four', () => {
  expect(spreadOf([])).toEqual({ least: 0, median: 0, p95: 0, most: 0 });
  expect(spreadOf([3])).toEqual({ least: 3, median: 3, p95: 3, most: 3 });
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(spreadOf(hundred)).toEqual({ least: 1, median: 51, p95: 96, most: 100 });
});
