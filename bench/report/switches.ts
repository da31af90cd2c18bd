/** Switches of layers as a table and a verdict. Pure. */
import type { Switches, SwitchesReport } from '../switches.ts';
import { aligned } from './aligned.ts';
import { spreadCells } from './figures.ts';

/** The figures to reach, ms. */
const MEDIAN_MS = 140;
const P95_MS = 400;

const WORDS = { cold: 'nothing of it flowed', flowing: 'it flowed already' } as const;

export function switchesTable({ switches }: SwitchesReport): string[] {
  return aligned([
    ['From the wish to the first larger picture, ms', 'least', 'median', '95 %', 'most', 'freezes', 'frames dropped'],
    ...switches.flatMap(({ before, spread, freezes, framesDropped, ms, steps }) => [
      [`${ms.length} switches, ${WORDS[before]}`, ...spreadCells(spread), String(freezes), String(framesDropped)],
      ...steps.map((each) => [`  ${each.ms.length} from ${each.from} to ${each.to}`, ...spreadCells(each.spread)]),
    ]),
  ]);
}

/** What a reader should know before he believes the figures of a run. */
export function notesOnSwitches({ switches }: SwitchesReport): string[] {
  const disturbed = switches.reduce((sum, each) => sum + each.disturbed, 0);
  if (disturbed === 0) return [];
  return [
    `${disturbed} switches were measured again, because a browser did not get the processor in time. Use a calmer machine.`,
  ];
}

/**
 * Empty where all figures are reached: the times by the medians of the runs, and nothing stood still in any of them.
 */
export function complaintsAboutSwitches(medians: SwitchesReport, runs: readonly SwitchesReport[]): string[] {
  const late = medians.switches.flatMap((each) =>
    [each, ...each.steps].flatMap(({ spread, ...of }) => {
      const what = `${'from' in of ? `From ${of.from} to ${of.to}` : 'All switches'} where ${WORDS[each.before]}`;
      return [
        ...(spread.median < MEDIAN_MS
          ? []
          : [`${what}: the median is ${spread.median} ms, below ${MEDIAN_MS} was expected.`]),
        ...(spread.p95 < P95_MS ? [] : [`${what}: 95 % came within ${spread.p95} ms, below ${P95_MS} was expected.`]),
      ];
    }),
  );
  const all = runs.flatMap(({ switches }) => switches);
  const sum = (pick: (each: Switches) => number) => all.reduce((total, each) => total + pick(each), 0);
  const [freezes, dropped] = [sum((each) => each.freezes), sum((each) => each.framesDropped)];
  return [
    ...late,
    ...(freezes > 0 ? [`Pictures stood still ${freezes} times.`] : []),
    ...(dropped > 0 ? [`${dropped} frames were dropped.`] : []),
  ];
}
