/** `hawser bench trunk`: what crosses the trunk between two media servers, counted twice. */
import { setTimeout as wait } from 'node:timers/promises';
import type { TrunkMode } from '#sft/conference/demand.ts';
import type { Impairment } from './border/line.ts';
import { type Guard, guarded } from './guarded.ts';
import { monotonicMs } from './measure/clock.ts';
import { type Machine, thisCommit, thisMachine } from './measure/machine.ts';
import { readAll, readMoment } from './measure/reader.ts';
import { Recorder, timelineOf } from './measure/timeline.ts';
import { type Clips, loadClips } from './media/clips.ts';
import { Company } from './people/company.ts';
import { type Part, type Run, runOf } from './report/figures.ts';
import { impairmentLine } from './report/impairment.ts';
import { median } from './report/median.ts';
import { floorOf, ratesOf } from './scenario/floor.ts';
import { judgedOf, type Phase, phasesOf } from './scenario/phases.ts';
import { domainsOf, type Scenario } from './scenario/scenario.ts';
import type { ScenarioFile } from './scenario/schema.ts';
import { setStage } from './stage.ts';

export { htmlOf } from './report/html.ts';
export { tableOf } from './report/table.ts';
export { complaintsAbout, notesOn } from './report/verdict.ts';
export { loadScenario, ScenarioError, scenarioNames } from './scenario/file.ts';
export type { Scenario };

/** What a result must say besides its figures, so that somebody else can have the same. */
export interface Told extends ScenarioFile {
  readonly name: string;
  /** What the border did to the packets besides carrying them; absent where it did nothing. */
  readonly impairment?: Impairment;
  /** Real bit rates of the clips, kbit/s, without any header. */
  readonly clips: { readonly camera: readonly number[]; readonly microphone: number };
  readonly machine: Machine;
  readonly commit: string;
  readonly command: string;
}

export interface TrunkReport {
  readonly scenario: Told;
  readonly runs: readonly Run[];
  /** One for each mode: every figure is the median of the runs. */
  readonly medians: readonly Run[];
}

export interface TrunkBenchOptions {
  readonly scenario: Scenario;
  /** Loss and rate limit at the border; none when left out. */
  readonly impairment?: Impairment | undefined;
  /** Seconds between two points of the timeline; 1 when left out. */
  readonly step?: number;
  /** What the media servers ask each other for; one run each, in turn. */
  readonly modes: readonly TrunkMode[];
  /** How often each mode is measured. */
  readonly rounds: number;
  /** As it was typed. */
  readonly command: string;
  /** Ends everything early; what was started is stopped all the same. */
  readonly signal: AbortSignal;
  /** One line about each step. */
  readonly say: (line: string) => void;
  /** Called several times a second while a window is open, and with all of it done at its end; s. */
  readonly onProgress: (done: number, total: number) => void;
}

const STEP_MS = 250;

/** @throws Error with a plain sentence where it was stopped, or where something ended by itself or never came up */
export async function measureTrunk(options: TrunkBenchOptions): Promise<TrunkReport> {
  const { modes, rounds, say } = options;
  const clips = await loadClips();
  const runs: Run[] = [];
  // Round by round, so that what changes about the machine meanwhile touches all modes alike.
  for (let round = 1; round <= rounds; round++) {
    for (const mode of modes) {
      if (modes.length * rounds > 1) say(`mode ${mode}${rounds > 1 ? `, run ${round} of ${rounds}` : ''}`);
      // Everything anew for each, so that no run profits from what another one has warmed.
      runs.push(await guarded(options.signal, (guard) => measured(options, mode, clips, guard)));
    }
  }
  const figures = runs.map(({ timeline: _, ...run }) => run);
  const medians = modes.flatMap((mode) => median(figures.filter((run) => run.mode === mode)) ?? []);
  return { scenario: await told(options, clips), runs, medians };
}

async function measured(
  { scenario, impairment, step = 1, say, onProgress }: TrunkBenchOptions,
  mode: TrunkMode,
  clips: Clips,
  { undo, ended, onDied }: Guard,
): Promise<Run> {
  const { people, entrance, seconds, settleSeconds } = scenario;
  const domains = domainsOf(people);
  const phases = phasesOf(scenario);
  say(`starting ${domains.join(', ')}, and the border between them`);
  if (impairment) say(impairmentLine(impairment));
  const stage = await setStage({ domains, entrance, mode, impairment, undo, onDied });
  const company = await Company.gather({ stage, scenario, phases, undo, onDied, say });
  say('waiting until every viewer has every picture and hears everybody who speaks');
  const { served, viewers } = await company.served();
  if (served < viewers) say(`only ${served} of ${viewers} viewers have everything; measuring all the same`);
  await wait(settleSeconds * 1_000, undefined, { signal: ended });

  const before = await readAll(stage, company);
  const recorder = new Recorder(() => readMoment(stage), step * 1_000, ended);
  const opened = before.border.at;
  await company.open(opened);
  const until = async (second: number) => {
    const end = opened + second * 1_000;
    for (let left = end - monotonicMs(); left > 0; left = end - monotonicMs()) {
      onProgress((monotonicMs() - opened) / 1_000, seconds);
      await wait(Math.min(STEP_MS, left), undefined, { signal: ended });
    }
  };
  const marks = await readMarks(phases, until, company);
  await until(seconds);
  onProgress(seconds, seconds);
  const timeline = timelineOf(await recorder.stop());
  const after = await readAll(stage, company);
  const run = runOf(before, after, {
    mode,
    framesPerSecond: clips.screen.framesPerSecond,
    voicesPerSecond: clips.microphone.framesPerSecond,
    phases,
    parts: partsOf([before.viewers, ...marks, after.viewers]),
    floor: floorOf(people, phases, ratesOf(clips)),
  });
  return { ...run, timeline };
}

/** What the viewers have at the end of each judged part of the window and at the begin of the next. */
async function readMarks(
  phases: readonly Phase[],
  until: (second: number) => Promise<void>,
  company: Company,
): Promise<Part['before'][]> {
  const moments = judgedOf(phases)
    .flatMap(({ from, to }) => [from, to])
    .slice(1, -1);
  const marks: Part['before'][] = [];
  for (const moment of moments) {
    await until(moment);
    marks.push((await company.read()).viewers);
  }
  return marks;
}

function partsOf([before, after, ...rest]: readonly Part['before'][]): Part[] {
  return before && after ? [{ before, after }, ...partsOf(rest)] : [];
}

async function told({ scenario, impairment, command }: TrunkBenchOptions, clips: Clips): Promise<Told> {
  const kbps = ({ bitrate }: { readonly bitrate: number }) => bitrate / 1_000;
  return {
    name: scenario.name,
    ...scenario.file,
    ...(impairment && { impairment }),
    clips: { camera: clips.camera.map(kbps), microphone: kbps(clips.microphone) },
    machine: thisMachine(),
    commit: await thisCommit(),
    command,
  };
}
