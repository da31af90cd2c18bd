/** Several modes of one scenario side by side. Pure. */
import type { Row } from './aligned.ts';
import type { Crossing, Run } from './figures.ts';

/** What a direction's Mbit/s are made of. */
export const PARTS: readonly (readonly [title: string, of: (crossing: Crossing) => number])[] = [
  ['cameras, layer 0', ({ byLayer }) => byLayer['0']],
  ['cameras, layer 1', ({ byLayer }) => byLayer['1']],
  ['cameras, layer 2', ({ byLayer }) => byLayer['2']],
  ['microphones', ({ byKind }) => byKind.microphone],
  ['screens', ({ byKind }) => byKind.screen],
  ['SRTP, RTCP, repeats', ({ byKind }) => byKind.overhead],
  ['sum, as the servers count', ({ mbps }) => mbps],
];

export const RATIO = 'crossed, by the floor';
const BASELINE = 'everything';

/** How many times the floor; the bytes of the window where nothing had to cross. */
export function ratioCell(run: Run, direction: string): string {
  const ratio = run.ratio[direction];
  if (ratio !== undefined) return ratio.toFixed(3);
  const bytes = ((run.independent[direction]?.mbps ?? 0) * 1e6 * run.seconds) / 8;
  return `${Math.round(bytes)} bytes`;
}

export function comparisonRows(runs: readonly Run[]): Row[] {
  const directions = Object.keys(runs[0]?.border ?? {});
  return [
    ['Mode', ...runs.map(({ mode }) => mode)],
    ...directions.flatMap((direction) => directionRows(direction, runs)),
    ...workerRows(runs),
    ['viewers with all that they asked for', ...runs.map(({ viewers }) => `${viewers.satisfied} of ${viewers.count}`)],
  ];
}

function directionRows(direction: string, runs: readonly Run[]): Row[] {
  const figure = (title: string, of: (run: Run) => number): Row => [
    `  ${title}`,
    ...runs.map((run) => of(run).toFixed(3)),
  ];
  const measured = (run: Run) => run.independent[direction]?.mbps ?? 0;
  const baseline = runs.find(({ mode }) => mode === BASELINE);
  const less = (run: Run) => (measured(run) > 0 && baseline ? (measured(baseline) / measured(run)).toFixed(1) : '-');
  return [
    [`${direction}, Mbit/s`],
    ...PARTS.map(([title, of]) =>
      figure(title, ({ border }) => {
        const crossing = border[direction];
        return crossing ? of(crossing) : 0;
      }),
    ),
    figure('sum, as the border counts', measured),
    figure('floor: what had to cross', ({ floor }) => floor[direction] ?? 0),
    [`  ${RATIO}`, ...runs.map((run) => ratioCell(run, direction))],
    ...(baseline ? [[`  times less than ${BASELINE}`, ...runs.map(less)]] : []),
  ];
}

function workerRows(runs: readonly Run[]): Row[] {
  const names = Object.keys(runs[0]?.cpu ?? {}).filter((name) => name.startsWith('media worker'));
  return names.map((name) => [`${name}, % of a core`, ...runs.map(({ cpu }) => (cpu[name] ?? 0).toFixed(1))]);
}
