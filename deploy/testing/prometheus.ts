/** For tests: a real Prometheus on loopback, with a folder of its own, and what its HTTP API answers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ensurePrometheus } from '#cli/setup/prometheus.ts';
import { until } from '#signalling/testing.ts';
import { freePorts } from '#site/testing-ports.ts';

/** Job to the host and port of its servers. */
export type Targets = Readonly<Record<string, readonly string[]>>;

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** Pairs of seconds since 1970 and a number as text. */
  readonly values: readonly (readonly [number, string])[];
}

export interface Target {
  readonly health: string;
  readonly lastError: string;
}

export interface Rule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state: 'inactive' | 'pending' | 'firing';
  readonly alerts: readonly { readonly annotations: Readonly<Record<string, string>> }[];
}

/** s */
const SCRAPE = 1;

export class TestPrometheus {
  readonly #url: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(url: string, child: ChildProcess) {
    this.#url = url;
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve()));
  }

  /** @param folder a new one, for its configuration and data */
  static async start(folder: string, targets: Targets, rules: string): Promise<TestPrometheus> {
    await mkdir(folder);
    const [port] = await freePorts(1);
    const config = join(folder, 'prometheus.yaml');
    const text = stringify({
      global: { scrape_interval: `${SCRAPE}s`, evaluation_interval: `${SCRAPE}s` },
      rule_files: [rules],
      scrape_configs: Object.entries(targets).map(([job_name, hosts]) => ({
        job_name,
        static_configs: [{ targets: hosts }],
      })),
    });
    await writeFile(config, text);
    const flags = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    const log: string[] = [];
    const program = join(await ensurePrometheus(), 'prometheus');
    const child = spawn(program, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (part: string) => void log.push(part));
    const prometheus = new TestPrometheus(`http://127.0.0.1:${port}`, child);
    const ready = async () => {
      if (child.exitCode !== null) throw new Error(`Prometheus did not start:\n${log.join('')}`);
      return (await fetch(`${prometheus.#url}/-/ready`).catch(() => undefined))?.ok;
    };
    try {
      await until(ready, 'Prometheus', 20_000);
    } catch (error) {
      await prometheus.stop();
      throw error;
    }
    return prometheus;
  }

  /**
   * What a panel of Grafana would be given of the time between the two, s since 1970.
   * @throws Error with Prometheus's own words about the query
   */
  async range(query: string, from: number, to: number): Promise<readonly Series[]> {
    const { result } = await this.#ask<{ result: Series[] }>('query_range', {
      query,
      start: from,
      end: to,
      step: SCRAPE,
    });
    return result;
  }

  /** The values of a label, among the series of a metric. */
  labels(name: string, metric: string): Promise<string[]> {
    return this.#ask(`label/${name}/values`, { 'match[]': metric });
  }

  async targets(): Promise<readonly Target[]> {
    return (await this.#ask<{ activeTargets: Target[] }>('targets')).activeTargets;
  }

  async rules(): Promise<readonly Rule[]> {
    return (await this.#ask<{ groups: { rules: Rule[] }[] }>('rules')).groups.flatMap(({ rules }) => rules);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #ask<T>(path: string, parameters: Readonly<Record<string, string | number>> = {}): Promise<T> {
    const words = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
    const response = await fetch(`${this.#url}/api/v1/${path}?${words}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`${parameters.query ?? path}: ${answer.error}`);
    return answer.data;
  }
}
