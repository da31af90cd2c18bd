/** `hawser bench trunk`: what crosses the trunk between two media servers, counted twice. */
import { setTimeout as wait } from 'node:timers/promises';
import type { TrunkMode } from '#sft/conference/demand.ts';
import type { Impairment } from './border/line.ts';
import { type Machine, thisCommit, thisMachine } from './measure/machine.ts';
import { readAll, readMoment } from './measure/reader.ts';
import { Recorder, timelineOf } from './measure/timeline.ts';
import { type Clips, loadClips } from './media/clips.ts';
import { Company } from './people/company.ts';
import { type Run, runOf } from './report/figures.ts';
import { impairmentLine } from './report/impairment.ts';
import type { Scenario } from './scenario/scenario.ts';
import { type Entrance, setStage } from './stage.ts';

export { htmlOf } from './report/html.ts';
export { tableOf } from './report/table.ts';
export { complaintsAbout, notesOn } from './report/verdict.ts';
export { SPREAD } from './scenario/scenario.ts';
export type { Scenario };

/** What a result must say besides its figures, so that somebody else can have the same. */
export interface Told extends Scenario {
  /** How people are on their own media server. */
  readonly entrance: Entrance;
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
}

export interface TrunkBenchOptions {
  readonly scenario: Scenario;
  readonly entrance: Entrance;
  /** Loss and rate limit at the border; none when left out. */
  readonly impairment?: Impairment | undefined;
  /** Seconds between two points of the timeline; 1 when left out. */
  readonly step?: number;
  /** What the media servers ask each other for; one run each, in turn. */
  readonly modes: readonly TrunkMode[];
  /** As it was typed. */
  readonly command: string;
  /** Ends everything early; what was started is stopped all the same. */
  readonly signal: AbortSignal;
  /** One line about each step. */
  readonly say: (line: string) => void;
  /** Called several times a second while the window is open. */
  readonly onProgress: (done: number, total: number) => void;
}

/** After everybody has everything: what the joins stirred up is over. */
const SETTLE_MS = 1_500;
const STEP_MS = 250;

/** @throws Error with a plain sentence where it was stopped, or where something ended by itself or never came up */
export async function measureTrunk(options: TrunkBenchOptions): Promise<TrunkReport> {
  const { modes, say } = options;
  const clips = await loadClips();
  const runs: Run[] = [];
  for (const mode of modes) {
    if (modes.length > 1) say(`mode ${mode}`);
    // Everything anew for each, so that no run profits from what another one has warmed.
    runs.push(await guarded(options, mode, clips));
  }
  return { scenario: await told(options, clips), runs };
}

/** One run, and the end of all that it started, however it ends. */
async function guarded(options: TrunkBenchOptions, mode: TrunkMode, clips: Clips): Promise<Run> {
  const ended = new AbortController();
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => undefined);
  const abort = () => stopped.reject(new Error('Stopped.'));
  options.signal.addEventListener('abort', abort, { once: true });
  if (options.signal.aborted) abort();
  const undo = new AsyncDisposableStack();
  const onDied = (sentence: string) => stopped.reject(new Error(sentence));
  const work = measured(options, mode, clips, undo, ended.signal, onDied);
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    options.signal.removeEventListener('abort', abort);
    ended.abort();
    await undo.disposeAsync();
    // What was being started when the end came is gone by now too, so that this does not take long.
    await work.catch(() => undefined);
  }
}

async function measured(
  { scenario, entrance, impairment, step = 1, say, onProgress }: TrunkBenchOptions,
  mode: TrunkMode,
  clips: Clips,
  undo: AsyncDisposableStack,
  ended: AbortSignal,
  onDied: (sentence: string) => void,
): Promise<Run> {
  say('starting alpha and beta, and the border between them');
  if (impairment) say(impairmentLine(impairment));
  const stage = await setStage({ entrance, mode, impairment, undo, onDied });
  const company = await Company.gather({ stage, scenario, undo, onDied, say });
  say('waiting until every viewer has every picture and every voice');
  const served = await company.served();
  if (served < scenario.viewers)
    say(`only ${served} of ${scenario.viewers} viewers have everything; measuring all the same`);
  await wait(SETTLE_MS, undefined, { signal: ended });

  const before = await readAll(stage, company);
  const recorder = new Recorder(() => readMoment(stage), step * 1_000, ended);
  const end = performance.now() + scenario.seconds * 1_000;
  for (let left = end - performance.now(); left > 0; left = end - performance.now()) {
    onProgress(scenario.seconds - left / 1_000, scenario.seconds);
    await wait(Math.min(STEP_MS, left), undefined, { signal: ended });
  }
  const timeline = timelineOf(await recorder.stop());
  const after = await readAll(stage, company);
  const run = runOf(before, after, {
    mode,
    framesPerSecond: clips.camera[0]?.framesPerSecond ?? 0,
    voicesPerSecond: clips.microphone.framesPerSecond,
    pictures: Math.min(scenario.publishers, scenario.layout.large + scenario.layout.small),
    voices: scenario.publishers,
  });
  return { ...run, timeline };
}

async function told({ scenario, entrance, impairment, command }: TrunkBenchOptions, clips: Clips): Promise<Told> {
  const kbps = ({ bitrate }: { readonly bitrate: number }) => bitrate / 1_000;
  return {
    ...scenario,
    entrance,
    ...(impairment && { impairment }),
    clips: { camera: clips.camera.map(kbps), microphone: kbps(clips.microphone) },
    machine: thisMachine(),
    commit: await thisCommit(),
    command,
  };
}
