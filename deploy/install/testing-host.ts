/** A Debian with its own systemd in a container, in which one types as root. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { asContainer } from '#cli/setup/debian-host.ts';
import { type Outcome, outcome } from '#cli/setup/program.ts';
import { until } from '#signalling/testing.ts';

export interface HostOptions {
  /** The folder of `ensureDebianHost`; it stays as it is. */
  readonly root: string;
  /** The network namespace it is in, and its name. */
  readonly namespace: string;
  /** Files of this machine, and where they are seen in there. */
  readonly files: Readonly<Record<string, string>>;
}

const BOOT_MS = 60_000;
const STOP_MS = 10_000;
/** systemd's own: power off (systemd(1), SIGNALS). */
const POWER_OFF = 'SIGRTMIN+4';
/** What a login shell of root has, and nothing of this machine. */
const ENVIRONMENT = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'LC_ALL=C.UTF-8',
];

export class DebianHost {
  readonly #container: ChildProcess;
  readonly #leader: number;

  private constructor(container: ChildProcess, leader: number) {
    this.#container = container;
    this.#leader = leader;
  }

  static async boot({ root, namespace, files }: HostOptions): Promise<DebianHost> {
    const said: string[] = [];
    const container = spawn(
      'systemd-nspawn',
      [
        ...asContainer(root),
        ...['--quiet', '--boot', '--machine', namespace, '--console=pipe', `--kill-signal=${POWER_OFF}`],
        `--network-namespace-path=/run/netns/${namespace}`,
        ...Object.entries(files).map(([from, to]) => `--bind-ro=${from}:${to}`),
      ],
      // What the kernel does with its network is its administrator's to say, as on a machine.
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network' } },
    );
    for (const stream of [container.stdout, container.stderr]) stream.on('data', (chunk) => said.push(String(chunk)));
    try {
      const leader = await until(() => leaderOf(container.pid), `${namespace} to have processes`, BOOT_MS);
      const host = new DebianHost(container, leader);
      // As soon as systemd takes questions, it answers this one when all that belongs to the start has been started.
      let state = '';
      const isUp = async () => {
        state = (await host.type('systemctl is-system-running --wait || systemctl --failed')).tail;
        // Units of a real machine, such as the one that mounts its disk anew, may fail in a container; what matters here is asked for later.
        return /^(?:running|degraded)/.test(state);
      };
      await until(isUp, 'all to be started', BOOT_MS).catch((error: Error) => said.push(error.message, state));
      if (/^(?:running|degraded)/.test(state)) return host;
    } catch (error) {
      said.push(String(error));
    }
    container.kill('SIGKILL');
    throw new Error(`${namespace} did not come up. It said:\n${said.join('\n')}`);
  }

  /** What is typed into a new shell, to the end; the first command that fails ends it. */
  type(text: string): Promise<Outcome> {
    const enter = ['--target', `${this.#leader}`, '--all', '--', 'env', '--ignore-environment', '--chdir=/root'];
    return outcome('nsenter', [...enter, ...ENVIRONMENT, 'bash', '-euo', 'pipefail', '-c', text]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#container.exitCode !== null || this.#container.signalCode !== null) return;
    const gone = once(this.#container, 'exit');
    this.#container.kill('SIGTERM');
    const timer = setTimeout(() => this.#container.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(timer);
  }
}

/** The first process in there; undefined as long as there is none. */
async function leaderOf(container: number | undefined): Promise<number | undefined> {
  const children = await readFile(`/proc/${container}/task/${container}/children`, 'utf8').catch(() => '');
  for (const child of children.trim().split(' ')) {
    const name = await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '');
    if (name.trim() === 'systemd') return Number(child);
  }
  return undefined;
}
