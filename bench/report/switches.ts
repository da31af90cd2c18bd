/** Switches of layers as a table and a verdict. Pure. */
import type { Switches, SwitchesReport } from '../switches.ts';
import { aligned } from './aligned.ts';

/** The figures to reach, ms. */
const MEDIAN_MS = 140;
const P95_MS = 400;

const WORDS = { cold: 'nothing of it flowed', flowing: 'it flowed already' } as const;

export function switchesTable({ switches, machine, commit, command }: SwitchesReport): string[] {
  return [
    `${machine.processor}, ${machine.cores} cores, ${machine.system}, mediasoup ${machine.mediasoup}; commit ${commit}; ${command}`,
    '',
    ...aligned([
      ['From the wish to the first large picture, ms', 'least', 'median', '95 %', 'most', 'freezes', 'frames dropped'],
      ...switches.map(({ before, spread, freezes, framesDropped, ms }) => [
        `${ms.length} switches, ${WORDS[before]}`,
        ...[spread.least, spread.median, spread.p95, spread.most].map((each) => each.toFixed(0)),
        String(freezes),
        String(framesDropped),
      ]),
    ]),
  ];
}

/** Empty where all figures are reached. */
export function complaintsAboutSwitches({ before, spread, freezes, framesDropped }: Switches): string[] {
  const complaints: string[] = [];
  const of = `Switches to a picture where ${WORDS[before]}`;
  if (spread.median >= MEDIAN_MS)
    complaints.push(`${of}: the median is ${spread.median} ms, below ${MEDIAN_MS} was expected.`);
  if (spread.p95 >= P95_MS) complaints.push(`${of}: 95 % came within ${spread.p95} ms, below ${P95_MS} was expected.`);
  if (freezes > 0) complaints.push(`${of}: pictures stood still ${freezes} times.`);
  if (framesDropped > 0) complaints.push(`${of}: ${framesDropped} frames were dropped.`);
  return complaints;
}
