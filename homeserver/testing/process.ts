/** For tests: a homeserver in a process of its own, which can be killed at any moment. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import type { Site } from '#site/schema.ts';
import { startHomeserver } from '../main.ts';

const SELF = fileURLToPath(import.meta.url);

export class HomeserverProcess implements AsyncDisposable {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  /** @param folder where the site is written for it to read */
  static async start(site: Site, folder: string): Promise<HomeserverProcess> {
    const path = join(folder, 'site.json');
    await writeFile(path, JSON.stringify(site));
    const process = fork(SELF, [path], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const ended = once(process, 'exit').then(() => {
      throw new Error('the homeserver did not start');
    });
    await Promise.race([once(process, 'message'), ended]);
    ended.catch(() => undefined);
    return new HomeserverProcess(process);
  }

  /** No word of goodbye. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
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
  const site = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as Site;
  await startHomeserver({ site, log: pino({ level: 'warn' }) });
  process.send?.('started');
}
