import { expect, it } from 'vitest';
import { spreadOf } from './report/figures.ts';
import { complaintsAboutVoices, notesOnVoices, type VoicesReport, voicesTable } from './voices.ts';

const report: VoicesReport = {
  asked: { speakers: 24, rounds: 2, seconds: 10, mode: 'layers' },
  warm: { rounds: 2, sent: 20, heard: 20, firstMs: spreadOf([1, 2]) },
  outside: { rounds: 2, heard: 2, firstMs: spreadOf([190, 399]) },
  disturbed: 0,
  cost: [
    { speakers: 0, seconds: 10, kbps: 20.13, packetsPerSecond: 40, trunkKbps: 31.9 },
    { speakers: 3, seconds: 10, kbps: 143.8, packetsPerSecond: 189.3, trunkKbps: 177.4 },
  ],
};

it('is content where nobody of the warm set lost anything and everybody else was heard in time', () => {
  expect(complaintsAboutVoices(report)).toEqual([]);
  const table = voicesTable(report).join('\n');
  expect(table).toMatch(/of the warm set, 2 times +1 /);
  expect(table).toMatch(/from outside it, 2 times +190 .* 399/);
  expect(table).toMatch(/nobody speaks +20\.1 +40\.0 +31\.9/);
});

it('says when the machine was too busy to be believed', () => {
  expect(notesOnVoices(report)).toEqual([]);
  expect(notesOnVoices({ ...report, disturbed: 1 })).toEqual([expect.stringContaining('1 talks were measured again')]);
});

it('complains of a lost syllable, of somebody who was heard late or never, and of nobody to measure', () => {
  const { warm, outside } = report;
  expect(complaintsAboutVoices({ ...report, warm: { ...warm, heard: 19 } })).toEqual([
    'People of the warm set lost 1 of 20 packets of their first 200 ms.',
  ]);
  const late = { ...outside, firstMs: spreadOf([190, 400]) };
  expect(complaintsAboutVoices({ ...report, outside: late })).toEqual([
    expect.stringContaining('the last after 400 ms'),
  ]);
  expect(complaintsAboutVoices({ ...report, outside: { ...outside, heard: 1 } })).toHaveLength(1);
  const nobody = { rounds: 0, heard: 0, firstMs: spreadOf([]) };
  expect(complaintsAboutVoices({ ...report, outside: nobody })).toEqual([expect.stringContaining('more speakers')]);
});
