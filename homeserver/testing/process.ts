/** For tests: a homeserver in a process of its own, which can be killed at any moment. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import type { Site } from '#site/schema.ts';
import { startHomeserver } from '../main.ts';
import { Trouble, type Troubles } from './trouble.ts';

const SELF = fileURLToPath(import.meta.url);
/** What was compiled is kept from start to start, as `hawser` itself does: half of a start is to read the program. */
const COMPILED = process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), 'hawser-compiled');

/** What else a test can say about a homeserver. */
export interface ProcessOptions {
  /** How many times faster its clock goes than ours, so that limits of so many a second let more through; 1 when left out. */
  readonly haste?: number;
  /** Told each line of its log, which goes to the own output when left out. */
  readonly onLog?: (line: string) => void;
  /** Options of Node itself. */
  readonly node?: readonly string[];
  /** What goes wrong around it from its first moment; see `HomeserverProcess.trouble`. */
  readonly troubles?: Troubles;
}

interface Setting {
  readonly site: Site;
  readonly haste: number;
  readonly troubles: Troubles;
}

export class HomeserverProcess implements AsyncDisposable {
  readonly #process: ChildProcess;
  /** Resolves when it serves; rejects where it ended before. */
  readonly started: Promise<void>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    const ended = once(process, 'exit').then(() => {
      throw new Error('the homeserver did not start');
    });
    this.started = Promise.race([once(process, 'message').then(() => undefined), ended]);
    this.started.catch(() => undefined);
    ended.catch(() => undefined);
  }

  /** @param folder where the site is written for it to read */
  static async start(site: Site, folder: string, options: ProcessOptions = {}): Promise<HomeserverProcess> {
    const launched = await HomeserverProcess.launch(site, folder, options);
    await launched.started;
    return launched;
  }

  /** The same without waiting until it serves, to kill it before. */
  static async launch(site: Site, folder: string, options: ProcessOptions = {}): Promise<HomeserverProcess> {
    const { haste = 1, node = [], onLog, troubles = {} } = options;
    const path = join(folder, 'site.json');
    await writeFile(path, JSON.stringify({ site, haste, troubles } satisfies Setting));
    const stdio = ['ignore', onLog ? 'pipe' : 'inherit', 'inherit', 'ipc'] as const;
    const env = { ...process.env, NODE_COMPILE_CACHE: COMPILED };
    const child = fork(SELF, [path], { execArgv: [...node], stdio: [...stdio], env });
    if (onLog && child.stdout) createInterface(child.stdout).on('line', onLog);
    return new HomeserverProcess(child);
  }

  /** Whether it ended, by itself or because it was killed. */
  get isOver(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Lets other things go wrong around it from now on; nothing where it is over. */
  trouble(troubles: Troubles): void {
    // Where it is killed in this moment, it does not matter any more.
    if (this.#process.connected) this.#process.send(troubles, () => undefined);
  }

  /** No word of goodbye. */
  async kill(): Promise<void> {
    if (this.isOver) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  /** Resident memory, bytes. */
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${this.#process.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

if (process.argv[1] === SELF) {
  const [, , path = ''] = process.argv;
  const { site, haste, troubles } = JSON.parse(await readFile(path, 'utf8')) as Setting;
  const trouble = new Trouble(haste, troubles);
  process.on('message', (next) => trouble.set(next as Troubles)); // of the tests that started it
  const log = pino({ level: 'warn' });
  await startHomeserver({ site, log, world: trouble.world, peerNetwork: trouble.network });
  // Node does so where a process ends by itself, and this one is killed.
  flushCompileCache();
  process.send?.('started');
  // Whoever started it is gone.
  process.once('disconnect', () => process.exit());
}
