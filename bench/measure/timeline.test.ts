import fc from 'fast-check';
import { expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import { sftState } from '../report/testing.ts';
import { accountOf } from './account.ts';
import { type Moment, Recorder, timelineOf } from './timeline.ts';

type Rows = Parameters<typeof sftState>[2];

const moment = (at: number, sent: number, rows: Rows = []): Moment => ({
  border: { at, counts: { 'alpha>beta': { bytes: sent, packets: 0 } } },
  accounts: { 'alpha>beta': accountOf(sftState('beta', sent, rows), 'beta') },
});

it('makes a point of each step: layers, kinds, the rest, and what the border counted', () => {
  const rows = (part: number): Rows => [
    ['camera', 'camera', 0, 12_500 * part],
    ['camera', 'camera', 1, 25_000 * part],
    ['camera', 'camera', 2, 50_000 * part],
    ['voice', 'microphone', 0, 5_000 * part],
    ['slides', 'screen', 0, 2_500 * part],
  ];
  // Half a second each, 125,000 bytes of it are 2 Mbit/s.
  const points = timelineOf([moment(4_000, 0), moment(4_500, 125_000, rows(1)), moment(5_500, 175_000, rows(1))]);
  expect(points).toEqual([
    {
      at: 0.25,
      directions: {
        'alpha>beta': {
          ...{ layer0: 0.2, layer1: 0.4, layer2: 0.8, microphone: 0.08, screen: 0.04 },
          ...{ overhead: 0.48, border: 2 },
        },
      },
    },
    {
      at: 1,
      directions: {
        'alpha>beta': { layer0: 0, layer1: 0, layer2: 0, microphone: 0, screen: 0, overhead: 0.4, border: 0.4 },
      },
    },
  ]);
});

it('has no more points than it may, and counts every byte once', () => {
  const runs = fc.array(
    fc.record({ ms: fc.integer({ min: 1_000, max: 5_000 }), bytes: fc.integer({ min: 0, max: 1e7 }) }),
    {
      maxLength: 200,
    },
  );
  fc.assert(
    fc.property(runs, fc.integer({ min: 1, max: 40 }), (steps, most) => {
      let [at, bytes] = [1_000, 0];
      const moments = [moment(at, bytes)];
      for (const step of steps) {
        at += step.ms;
        bytes += step.bytes;
        moments.push(moment(at, bytes));
      }
      const points = timelineOf(moments, most);
      expect(points.length).toBeLessThanOrEqual(most);
      // Points stand in the middle of steps that follow each other, so that their lengths can be told.
      let begin = 0;
      let total = 0;
      for (const point of points) {
        const end = 2 * point.at - begin;
        total += ((point.directions['alpha>beta']?.border ?? 0) * 1e6 * (end - begin)) / 8;
        begin = end;
      }
      // Times are round to a millisecond each and rates to a kbit/s.
      expect(begin).toBeCloseTo((at - 1_000) / 1_000, 0);
      expect(Math.abs(total - bytes)).toBeLessThan(bytes * 0.1 + 10_000);
    }),
  );
});

it.each([[[]], [[moment(1, 1)]], [[moment(1, 1), moment(1, 2)]]])('has no point where no time passed', (moments) => {
  expect(timelineOf(moments)).toEqual([]);
});

it('records at a beat until it is stopped, and once more then', async () => {
  let reads = 0;
  const recorder = new Recorder(async () => moment(++reads, 0), 5, new AbortController().signal);
  await until(() => reads > 4, 'some readings');
  const before = reads;
  const moments = await recorder.stop();
  expect(reads).toBeLessThanOrEqual(before + 1);
  expect(moments.at(-1)?.border.at).toBe(reads);
});

it('stops with the signal, and tells whoever stops it what went wrong', async () => {
  const ended = new AbortController();
  let reads = 0;
  const recorder = new Recorder(
    async () => {
      if (++reads > 2) throw new Error('the server is gone');
      return moment(reads, 0);
    },
    60_000,
    ended.signal,
  );
  await until(() => reads === 1, 'the first reading');
  ended.abort();
  expect(await recorder.stop()).toHaveLength(2);
  const failing = new Recorder(
    async () => Promise.reject(new Error('the server is gone')),
    5,
    new AbortController().signal,
  );
  await expect(failing.stop()).rejects.toThrow('the server is gone');
});
