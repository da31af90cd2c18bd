/** `hawser soak faults`: many schedules, several at once, on homeservers that serve one after the other. */
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Errand, guarded } from '../../guarded.ts';
import { Cast } from './cast.ts';
import type { Finding, Kind } from './checker.ts';
import { Gathering } from './gathering.ts';
import { Recorder } from './recorder.ts';
import { GatherError, type Outcome, runSchedule } from './runner.ts';
import { linesOf, type Schedule, type ScheduleOptions, scheduleOf } from './schedule.ts';

export interface FaultsOptions extends Errand {
  /** Of the schedules; each has its own. */
  readonly seeds: readonly number[];
  /** How many schedules at once. */
  readonly atOnce: number;
  readonly storage: 'sqlite' | 'postgres';
  /** URL of one more empty PostgreSQL database; where that is the storage. */
  readonly database?: (() => Promise<string>) | undefined;
  readonly schedule: Omit<ScheduleOptions, 'disk'>;
}

export interface Failed {
  readonly seed: number;
  readonly findings: readonly Finding[];
  readonly faults: readonly string[];
  /** Folder with all that is known of it. */
  readonly folder: string;
}

export type FaultsReport = {
  readonly schedules: number;
  /** Messages, edits, reactions and deletions that were acknowledged. */
  readonly accepted: number;
  readonly failedSeeds: readonly number[];
  /** Schedules that did not begin, because people could not be brought together: no word about what is tested. */
  readonly notGathered: number;
  readonly seconds: number;
  /** From the healing until all was quiet, ms: one for each schedule. */
  readonly quietMs: readonly number[];
  readonly refusals: Readonly<Record<string, number>>;
  readonly failed: readonly Failed[];
} & Readonly<Record<Kind, number>>;

/** Then other homeservers serve, so that what is gathered there does not slow down what comes. */
const SCHEDULES_OF_ONE = 25;
/** More than this is no accident. */
const MAX_NOT_GATHERED = 3;

/** @throws Error with a plain sentence where it was stopped or does not get under way */
export function measureFaults(options: FaultsOptions): Promise<FaultsReport> {
  return guarded(options.signal, async ({ ended }) => {
    const began = performance.now();
    const campaign = new Campaign(options, ended);
    await Promise.all(Array.from({ length: Math.min(options.atOnce, options.seeds.length) }, () => campaign.work()));
    return campaign.report((performance.now() - began) / 1_000);
  });
}

/** Homeservers, and those who play there for the time being. */
interface Scene {
  readonly gathering: Gathering;
  cast?: Cast | undefined;
}

class Campaign {
  readonly #options: FaultsOptions;
  readonly #ended: AbortSignal;
  readonly #left: number[];
  readonly #outcomes: Outcome[] = [];
  readonly #failed: Failed[] = [];
  #notGathered = 0;

  constructor(options: FaultsOptions, ended: AbortSignal) {
    this.#options = options;
    this.#ended = ended;
    this.#left = [...options.seeds];
  }

  /** Plays one schedule after the other until none is left. */
  async work(): Promise<void> {
    while (this.#left.length > 0) {
      this.#ended.throwIfAborted();
      await using stack = new AsyncDisposableStack();
      // Where everything ends early, the homeservers do too.
      const abandoned = () => void stack.disposeAsync();
      this.#ended.addEventListener('abort', abandoned, { once: true });
      const scene: Scene = { gathering: await this.#gather(stack) };
      stack.defer(() => dismiss(scene));
      for (let count = 0; count < SCHEDULES_OF_ONE; count++) {
        const seed = this.#left.shift();
        if (seed === undefined || !(await this.#play(seed, scene))) break;
      }
      this.#ended.removeEventListener('abort', abandoned);
    }
  }

  report(seconds: number): FaultsReport {
    const findings = this.#failed.flatMap((each) => each.findings);
    const count = (kind: Kind) => findings.filter((each) => each.kind === kind).length;
    const refusals: Record<string, number> = {};
    for (const each of this.#outcomes) {
      for (const [code, times] of Object.entries(each.refusals)) refusals[code] = (refusals[code] ?? 0) + times;
    }
    return {
      schedules: this.#outcomes.length,
      accepted: this.#outcomes.reduce((sum, { accepted }) => sum + accepted, 0),
      ...{ lost: count('lost'), duplicated: count('duplicated'), reordered: count('reordered') },
      ...{ diverged: count('diverged'), leaked: count('leaked'), stuck: count('stuck') },
      failedSeeds: this.#failed.map(({ seed }) => seed),
      notGathered: this.#notGathered,
      seconds,
      quietMs: this.#outcomes.map(({ quietMs }) => Math.round(quietMs)),
      refusals,
      failed: this.#failed,
    };
  }

  async #gather(stack: AsyncDisposableStack): Promise<Gathering> {
    const { storage, database, schedule } = this.#options;
    const { domains } = scheduleOf(0, { ...schedule, disk: false });
    const urls: string[] = [];
    if (storage === 'postgres' && database) for (const _ of domains) urls.push(await database());
    return Gathering.gather(domains, storage === 'postgres' ? urls : undefined, stack);
  }

  /** Tried twice. Undefined where people could not be brought together. */
  async #run(schedule: Schedule, scene: Scene): Promise<Outcome | undefined> {
    for (let tries = 0; tries < 2; tries++) {
      const recorder = new Recorder();
      try {
        const cast = await this.#castFor(schedule, scene, recorder);
        return await runSchedule(schedule, { gathering: scene.gathering, cast, recorder }, this.#ended);
      } catch (error) {
        dismiss(scene);
        this.#ended.throwIfAborted();
        if (!(error instanceof GatherError)) return brokenOff(schedule, recorder, error);
        this.#options.say(`seed ${schedule.seed}: not gathered: ${error.message}`);
      }
    }
    this.#notGathered += 1;
    if (this.#notGathered > MAX_NOT_GATHERED) throw new Error('People cannot be brought together on this machine.');
    return undefined;
  }

  /** Those who are there, or new ones. @throws GatherError */
  async #castFor({ people }: Schedule, scene: Scene, recorder: Recorder): Promise<Cast> {
    if (scene.cast?.begin(recorder)) return scene.cast;
    dismiss(scene);
    scene.cast = await Cast.of(people, scene.gathering, this.#ended).catch((cause: unknown) => {
      this.#ended.throwIfAborted();
      throw new GatherError(cause instanceof Error ? cause.message : String(cause), { cause });
    });
    scene.cast.begin(recorder);
    return scene.cast;
  }

  /** @returns whether these homeservers may serve the next schedule too */
  async #play(seed: number, scene: Scene): Promise<boolean> {
    const { say, storage, schedule: options, seeds, onProgress } = this.#options;
    const schedule = scheduleOf(seed, { ...options, disk: storage === 'sqlite' });
    const outcome = await this.#run(schedule, scene);
    if (!outcome) return false;
    this.#outcomes.push(outcome);
    onProgress(this.#outcomes.length, seeds.length);
    const { findings, faults } = outcome;
    if (findings.length + faults.length === 0) return true;
    const folder = await keep(schedule, outcome, scene.gathering);
    this.#failed.push({ seed, findings, faults, folder });
    say(`seed ${seed} failed: ${summaryOf(outcome)} (${folder})`);
    // What is wrong there would be wrong in the next one too.
    return false;
  }
}

/** Something failed that nothing that goes wrong there may make fail: what the devices hold was not compared. */
function brokenOff({ seed }: Schedule, recorder: Recorder, error: unknown): Outcome {
  recorder.fault('the schedule broke off', error);
  const { faults, troubles, refusals } = recorder;
  const evidence = { rooms: [], said: [], samples: [], views: [] };
  return { ...{ seed, accepted: 0, findings: [], faults, troubles, refusals, evidence }, quietMs: 0 };
}

function dismiss(scene: Scene): void {
  scene.cast?.[Symbol.dispose]();
  scene.cast = undefined;
}

function summaryOf({ findings, faults }: Outcome): string {
  const counts = Object.entries(Object.groupBy(findings, ({ kind }) => kind)).map(
    ([kind, all]) => `${all?.length ?? 0} ${kind}`,
  );
  if (faults.length > 0) counts.push(`${faults.length} failures without a code`);
  const [first] = findings;
  return `${counts.join(', ')}${first ? `; ${first.kind}: ${first.what} on ${first.device}` : ''}`;
}

/** @returns the folder */
async function keep(schedule: Schedule, outcome: Outcome, gathering: Gathering): Promise<string> {
  const folder = join(tmpdir(), 'hawser-faults', `seed-${schedule.seed}-${Date.now().toString(36)}`);
  await mkdir(folder, { recursive: true });
  const { evidence, troubles, ...rest } = outcome;
  await writeFile(join(folder, 'schedule.txt'), `${linesOf(schedule).join('\n')}\n`);
  await writeFile(join(folder, 'outcome.json'), JSON.stringify(rest, undefined, 2));
  await writeFile(join(folder, 'evidence.json'), JSON.stringify(evidence, undefined, 1));
  await writeFile(join(folder, 'troubles.txt'), `${troubles.join('\n')}\n`);
  for (const { domain, logged } of gathering.homes)
    await writeFile(join(folder, `${domain}.log`), `${logged.join('\n')}\n`);
  return folder;
}
