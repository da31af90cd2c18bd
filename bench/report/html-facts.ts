/** What the HTML report tells, taken from the result of a benchmark. Pure. */
import type { TrunkReport } from '../main.ts';
import type { Flow, Point } from '../measure/timeline.ts';
import { describe } from '../scenario/describe.ts';
import { differencePercent, type Run } from './figures.ts';
import { figure } from './html-scale.ts';
import { impairmentLine } from './impairment.ts';
import { complaintsAbout, notesOn } from './verdict.ts';

/** How long it took until a viewer had what was wanted anew. */
export interface Switches {
  readonly name: string;
  readonly ms: readonly number[];
}

export type HtmlReport = Pick<TrunkReport, 'scenario' | 'runs'> & { readonly switches?: readonly Switches[] };

export interface ModeFacts {
  readonly mode: string;
  /** How often it was measured; of several runs this is the one in the middle. */
  readonly runs: number;
  readonly run: Run;
  readonly directions: readonly DirectionFacts[];
  /** Of all runs, each sentence once. */
  readonly complaints: readonly string[];
  readonly notes: readonly string[];
}

export interface DirectionFacts {
  readonly direction: string;
  /** Mbit/s, as the servers count and as the border counts. */
  readonly mbps: number;
  readonly border: number;
  readonly difference: number;
  /** What had to cross, and how many times as much did; absent where nothing had to or where it is not known. */
  readonly floor?: number;
  readonly ratio?: number;
  readonly timeline: readonly { readonly at: number; readonly flow: Flow }[];
}

/** In the order in which they were measured. */
export function modesOf({ runs }: HtmlReport): ModeFacts[] {
  return [...new Set(runs.map(({ mode }) => mode))].flatMap((mode) => {
    const own = runs.filter((run) => run.mode === mode);
    const run = middleOf(own);
    if (!run) return [];
    const once = (sentences: readonly string[]) => [...new Set(sentences)];
    return [
      {
        mode,
        runs: own.length,
        run,
        directions: Object.keys(run.border).map((direction) => directionOf(run, direction)),
        complaints: once(own.flatMap(complaintsAbout)),
        notes: once(own.flatMap(notesOn)),
      },
    ];
  });
}

/** By what crossed in all; a run that really was, so that its parts add up. Of an even number the lower one in the middle. */
function middleOf(runs: readonly Run[]): Run | undefined {
  const crossed = ({ independent }: Run) => Object.values(independent).reduce((sum, { mbps }) => sum + mbps, 0);
  return runs.toSorted((a, b) => crossed(a) - crossed(b))[Math.ceil(runs.length / 2) - 1];
}

function directionOf(run: Run, direction: string): DirectionFacts {
  const border = run.independent[direction]?.mbps ?? 0;
  const floor = run.floor[direction] ?? 0;
  return {
    direction,
    mbps: run.border[direction]?.mbps ?? 0,
    border,
    difference: differencePercent(run, direction),
    ...(floor > 0 && { floor, ratio: border / floor }),
    timeline: (run.timeline ?? []).flatMap(({ at, directions }: Point) => {
      const flow = directions[direction];
      return flow ? [{ at, flow }] : [];
    }),
  };
}

/** Directions in which media crossed in any mode; in the others there are reports about media only. */
export function busyDirections(modes: readonly ModeFacts[]): string[] {
  const all = modes.flatMap(({ directions }) => directions);
  const media = ({ timeline, floor }: DirectionFacts) =>
    floor !== undefined || timeline.some(({ flow }) => flow.border > flow.overhead + 0.001);
  return [...new Set(all.filter(media).map(({ direction }) => direction))];
}

/** The result in a few words, all busy directions together; undefined where no media crossed. */
export function leadOf(modes: readonly ModeFacts[]): string | undefined {
  const busy = busyDirections(modes);
  const [first, ...others] = busy;
  if (first === undefined) return undefined;
  const facts = modes.map(({ mode, directions }) => {
    const own = directions.filter(({ direction }) => busy.includes(direction));
    const sum = (of: (each: DirectionFacts) => number) => own.reduce((total, each) => total + of(each), 0);
    return { mode, border: sum(({ border }) => border), floor: sum(({ floor = 0 }) => floor) };
  });
  const floor = facts[0]?.floor ?? 0;
  const crossed = facts.map(({ mode, border }) => {
    return `${figure(border)} in mode ${mode}${floor > 0 ? ` (${figure(border / floor)} times the floor)` : ''}`;
  });
  const had =
    floor > 0
      ? `${figure(floor)} Mbit/s had to cross, whatever the servers do: the floor. There crossed `
      : 'there crossed, in Mbit/s, ';
  return `${others.length === 0 ? wordsOf(first) : 'In all directions together'} ${had}${crossed.join(', ')}.`;
}

/** `From alpha to beta` */
export function wordsOf(direction: string): string {
  const [from, to] = direction.split('>');
  return `From ${from} to ${to}`;
}

/** What somebody needs to have the same again. */
export function aboutOf({ scenario, runs }: HtmlReport): (readonly [term: string, text: string])[] {
  const { name, entrance, clips, machine, commit, command, impairment, seconds } = scenario;
  const { processor, cores, memoryGiB, system, node, mediasoup } = machine;
  const perMode = runs.length / Math.max(1, new Set(runs.map(({ mode }) => mode)).size);
  return [
    ['Scenario', name],
    ['People', describe(scenario).join(' ')],
    [
      'Media',
      `camera ${clips.camera.map((rate) => rate.toFixed(0)).join(' + ')} kbit/s in VP8, microphone ${clips.microphone.toFixed(0)} kbit/s in Opus`,
    ],
    [
      'Entrance',
      entrance === 'webrtc'
        ? 'WebRTC: ICE, DTLS, SRTP'
        : 'plain RTP, without ICE, DTLS and SRTP; the trunk is the real one',
    ],
    ...(impairment ? [['Line', impairmentLine(impairment)] as const] : []),
    ['Measured', `${seconds} s a run, ${perMode === 1 ? 'one run' : `${Math.round(perMode)} runs`} a mode`],
    ['Machine', `${processor}, ${cores} cores, ${memoryGiB} GiB`],
    ['Software', `${system}, Node ${node}, mediasoup ${mediasoup}`],
    ['Commit', commit],
    ['Command', command],
  ];
}
