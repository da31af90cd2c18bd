/** The homeserver under test: a real process with nobody else's work in it, on either storage. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Organisation } from '#cli/demo/organisation.ts';
import { freePlaces } from '#cli/demo/places.ts';
import type { ServerProcess } from '#cli/demo/server-process.ts';
import { ensurePostgres } from '#cli/setup/postgres.ts';
import { Cluster } from '#homeserver/testing/cluster.ts';
import { loadSite } from '#site/load.ts';
import type { Site } from '#site/schema.ts';
import type { Guard } from '../guarded.ts';

export const STORAGES = ['sqlite', 'postgres'] as const;
export type Storage = (typeof STORAGES)[number];

export class BenchServer {
  readonly site: Site;
  readonly home: string;
  readonly #organisation: Organisation;
  readonly #onDied: (sentence: string) => void;
  #process: ServerProcess | undefined;

  private constructor(site: Site, organisation: Organisation, onDied: (sentence: string) => void) {
    this.site = site;
    this.home = `http://127.0.0.1:${organisation.places.home}`;
    this.#organisation = organisation;
    this.#onDied = onDied;
  }

  /** Its files and an empty database; it does not run yet. */
  static async prepare(storage: Storage, { undo, onDied }: Guard): Promise<BenchServer> {
    const folder = await mkdtemp(join(tmpdir(), 'hawser-bench-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    let database: string | undefined;
    if (storage === 'postgres') {
      const cluster = await Cluster.make(await ensurePostgres(), { isDurable: true });
      undo.defer(() => cluster.remove());
      database = (await cluster.database()).url;
    }
    const { alpha } = await freePlaces('alpha');
    const organisation = await Organisation.prepare({ name: 'alpha', folder, places: alpha, database });
    undo.defer(() => organisation.stop());
    return new BenchServer(await loadSite(organisation.config, ['homeserver']), organisation, onDied);
  }

  /** @returns from the start of the process to its first answer, ms */
  async start(): Promise<number> {
    const began = performance.now();
    this.#process = await this.#organisation.startServer('homeserver', this.#onDied);
    const health = await fetch(`http://127.0.0.1:${this.#organisation.places.homeAdmin}/health`);
    await health.body?.cancel();
    return performance.now() - began;
  }

  stop(): Promise<void> {
    return this.#organisation.stop();
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }
}
