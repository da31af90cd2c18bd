/** `hawser soak fuzz`: spoilt inputs for everything that takes bytes from a client, on a real homeserver and beside it. */
import type { HomeserverProcess } from '#homeserver/testing/process.ts';
import { type Errand, guarded } from '../../guarded.ts';
import { Helper } from '../../helper.ts';
import { Stage } from '../stage.ts';
import { runBatch } from './batch.ts';
import { ClientDoor } from './door.ts';
import type { ParserMethods } from './parsers-process.ts';
import { clientRoutes } from './routes.ts';
import { type Counts, type Finding, Tally } from './tally.ts';
import { BATCH, type Share, turnsOf } from './target.ts';

export interface FuzzOptions extends Errand {
  readonly seed: number;
  readonly inputs: number;
  /** Who ask; 8 when left out. */
  readonly people?: number;
  /** Only this batch. */
  readonly batch?: number | undefined;
  /** URL of an empty PostgreSQL database; SQLite when left out. */
  readonly database?: string | undefined;
}

export interface FuzzReport {
  readonly seed: number;
  readonly storage: 'sqlite' | 'postgres';
  readonly inputs: number;
  readonly routes: number;
  readonly targets: Readonly<Record<string, Counts>>;
  /** Resident memory of the homeserver when it began and at its highest, MiB. */
  readonly memoryMiB: { readonly first: number; readonly highest: number };
  /** Errors without a code that the homeserver counted itself. */
  readonly faults: number;
  /** What its log said of the first of them. */
  readonly faultLog: readonly string[];
  readonly wrong: number;
  readonly findings: readonly Finding[];
  readonly seconds: number;
}

const PARSERS = 'parsers';

/** Of a hundred batches, how many go to what. All parsers together have the rest, in turn. */
const SHARES: readonly Share[] = [
  { target: 'routes', of100: 20 },
  { target: 'uploads', of100: 6 },
  { target: 'files', of100: 5 },
  { target: 'heads', of100: 5 },
  { target: 'sockets', of100: 4 },
  { target: PARSERS, of100: 60 },
];

const PEOPLE = 8;
/** Inputs that are on their way at the same time. */
const AT_ONCE = 16;
/** The same where most of them wait for a server that waits for the rest. */
const WAITING_AT_ONCE = 50;
/** Batches after which those who ask are looked after. */
const LOOK_EVERY = 10;
/** A batch of parsers that takes longer hangs, ms. */
const PARSERS_MS = 120_000;
const PARSERS_PROGRAM = new URL('parsers-process.ts', import.meta.url).pathname;
/** Most that a homeserver may grow by, whatever it is sent. */
export const MAX_GROWTH_MIB = 600;
/** Lines of its log. */
const MAX_FAULT_LOG = 5;
const MIB = 2 ** 20;
const NEVER = new AbortController().signal;

/**
 * Stopped early it reports what was sent until then, because a night of it is too much to lose.
 * @throws Error with a plain sentence where it does not get under way, or something ended by itself
 */
export function measureFuzz(options: FuzzOptions): Promise<FuzzReport> {
  return guarded(NEVER, async ({ undo, ended, onDied }) => {
    const log: string[] = [];
    const onLog = (line: string) => {
      if (log.length < MAX_FAULT_LOG && line.includes('"msg":"fault"')) log.push(line);
    };
    const stage = await Stage.set(options.database, undo, { onLog });
    await stage.start();
    const parsers = Helper.start<ParserMethods>('parsers', PARSERS_PROGRAM, undo, onDied);
    const door = new ClientDoor(stage, await clientRoutes(), options.people ?? PEOPLE);
    undo.defer(() => door.close());
    const run = new Run(options, stage, door, parsers, ended);
    return { ...(await run.play()), faultLog: log };
  });
}

class Run {
  readonly #options: FuzzOptions;
  readonly #stage: Stage;
  readonly #door: ClientDoor;
  readonly #parsers: Helper<ParserMethods>;
  readonly #ended: AbortSignal;
  readonly #tally = new Tally();
  readonly #memory: number[] = [];

  constructor(
    options: FuzzOptions,
    stage: Stage,
    door: ClientDoor,
    parsers: Helper<ParserMethods>,
    ended: AbortSignal,
  ) {
    this.#options = options;
    this.#stage = stage;
    this.#door = door;
    this.#parsers = parsers;
    this.#ended = ended;
  }

  async play(): Promise<Omit<FuzzReport, 'faultLog'>> {
    const { seed, inputs, batch, signal, say, onProgress, database } = this.#options;
    const began = performance.now();
    const names = await this.#parsers.call('names', {});
    const routes = await clientRoutes();
    say(`seed ${seed}: ${routes.length} routes and ${names.length} parsers`);
    await this.#door.refresh();
    const turns = turnsOf(SHARES);
    const all = batch === undefined ? Array.from({ length: Math.ceil(inputs / BATCH) }, (_, at) => at) : [batch];
    const targetOf = (at: number) => turns[at % turns.length] ?? '';
    const run = async (batches: readonly number[]) => {
      for (const at of batches) {
        if (signal.aborted) return;
        this.#ended.throwIfAborted();
        const name = targetOf(at);
        const count = batch === undefined ? Math.min(BATCH, inputs - at * BATCH) : BATCH;
        if (name === PARSERS) await this.#parse(names[parserAt(turns, at) % names.length] ?? '', at, count);
        else await this.#ask(name, at, count);
        onProgress(Math.min(inputs, this.#tally.inputs), inputs);
      }
    };
    const isParsers = (at: number) => targetOf(at) === PARSERS;
    await Promise.all([run(all.filter(isParsers)), run(all.filter((at) => !isParsers(at)))]);
    const faults = await this.#faults();
    return {
      seed,
      storage: database === undefined ? 'sqlite' : 'postgres',
      inputs: this.#tally.inputs,
      routes: routes.length,
      targets: this.#tally.targets,
      memoryMiB: { first: this.#memory[0] ?? 0, highest: this.#memory.reduce((most, each) => Math.max(most, each), 0) },
      faults,
      wrong: this.#tally.wrong,
      findings: this.#tally.findings,
      seconds: (performance.now() - began) / 1_000,
    };
  }

  async #ask(name: string, batch: number, count: number): Promise<void> {
    const target = this.#door.targets.find((each) => each.name === name);
    if (!target) throw new Error(`no target ${name}`);
    // What is uploaded is worth nothing once the group went on without it.
    if (name === 'uploads' || batch % LOOK_EVERY === 0) await this.#door.refresh();
    const atOnce = name === 'heads' || name === 'sockets' ? WAITING_AT_ONCE : AT_ONCE;
    await runBatch(target, { seed: this.#options.seed, batch, count, atOnce }, this.#tally);
    if (this.server.isOver) throw new Error(`The homeserver ended in batch ${batch} of ${name}.`);
    this.#memory.push(Math.round((await this.server.memory()) / MIB));
  }

  async #parse(name: string, batch: number, count: number): Promise<void> {
    const { seed } = this.#options;
    const late = AbortSignal.timeout(PARSERS_MS);
    const hangs = new Promise<never>((_, reject) => {
      const sentence = `The parser ${name} did not come to an end in batch ${batch} of seed ${seed}.`;
      late.addEventListener('abort', () => reject(new Error(sentence)), { once: true });
    });
    const { targets, findings } = await Promise.race([this.#parsers.call('run', { name, seed, batch, count }), hangs]);
    this.#tally.add(targets, findings);
  }

  get server(): HomeserverProcess {
    return this.#stage.server;
  }

  async #faults(): Promise<number> {
    const text = await (await fetch(`${this.#stage.admin}/metrics`)).text();
    const count = /^hawser_homeserver_faults(?:_total)? (\d+)/m.exec(text)?.[1];
    if (count === undefined) throw new Error('The homeserver does not say how many faults it had.');
    return Number(count);
  }
}

/** How many batches of parsers there were before. */
function parserAt(turns: readonly string[], batch: number): number {
  const inTurn = turns.filter((each) => each === PARSERS).length;
  const before = turns.slice(0, batch % turns.length).filter((each) => each === PARSERS).length;
  return Math.floor(batch / turns.length) * inTurn + before;
}
