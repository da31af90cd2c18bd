/** One server as a process of its own, started the way an administrator starts it, with its log in a file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Part } from '#site/part.ts';
import { Problem } from '../errors.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
/** An idle machine needs a second or two, one that compiles everything for the first time beside much else half a minute. */
const START_MS = 60_000;
const STOP_MS = 5_000;
const LOG_LINES = 15;

export class ServerProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #exited: Promise<void>;
  #stopping = false;

  private constructor(name: string, child: ChildProcess, log: string) {
    this.name = name;
    this.#child = child;
    this.#log = log;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
  }

  /**
   * Resolves when the server serves.
   * @param onDied called with a sentence when the process ends without having been asked to
   * @throws Problem with the end of its log when it does not come up
   */
  static async start(
    part: Part,
    name: string,
    config: string,
    log: string,
    onDied: (sentence: string) => void,
  ): Promise<ServerProcess> {
    const file = openSync(log, 'a');
    // The IPC channel is also the string that ties it to us: when we are gone, however that came, it ends.
    const child = spawn(process.execPath, [...process.execArgv, MAIN, part, '--config', config], {
      stdio: ['ignore', file, file, 'ipc'],
      env: process.env,
    });
    closeSync(file);
    const server = new ServerProcess(name, child, log);
    await server.#ready();
    child.once('exit', (code, signal) => {
      if (!server.#stopping) onDied(`${name} ended by itself (${signal ?? `exit code ${code}`}); its log is ${log}.`);
    });
    return server;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Asks it to end, and makes it end when it does not within five seconds. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  /** The last lines of its log. */
  async lastLines(count = LOG_LINES): Promise<string> {
    const text = await readFile(this.#log, 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-count).join('\n');
  }

  async #ready(): Promise<void> {
    const ready = Promise.withResolvers<'ready' | 'ended' | 'late'>();
    const timer = setTimeout(() => ready.resolve('late'), START_MS);
    this.#child.once('message', () => ready.resolve('ready'));
    this.#child.once('exit', () => ready.resolve('ended'));
    this.#child.once('error', () => ready.resolve('ended'));
    const came = await ready.promise;
    clearTimeout(timer);
    if (came === 'ready') return;
    const lines = await this.lastLines();
    await this.stop();
    if (came === 'late')
      throw new Problem(
        `${this.name} did not start within ${START_MS / 1_000} s. Is this machine busy? Its log:\n${lines}`,
      );
    throw new Problem(`${this.name} did not start. The end of its log:\n${lines}`);
  }
}
