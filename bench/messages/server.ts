/** The homeserver under test: a real process with nobody else's work in it, on either storage. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Organisation } from '#cli/demo/organisation.ts';
import { freePlaces } from '#cli/demo/places.ts';
import type { ServerProcess } from '#cli/demo/server-process.ts';
import { ensurePostgres } from '#cli/setup/postgres.ts';
import { Cluster } from '#homeserver/testing/cluster.ts';
import type { DomainName } from '#signalling/ids.ts';
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
    undo.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    let database: string | undefined;
    if (storage === 'postgres') {
      const cluster = await Cluster.make(await ensurePostgres(), { isDurable: true });
      undo.defer(() => cluster.remove());
      database = (await cluster.database()).url;
    }
    const { alpha } = await freePlaces('alpha');
    return BenchServer.#of({ name: 'alpha', folder, places: alpha, database }, { undo, onDied });
  }

  /** The same for several organisations that allow each other. @param names `alpha`, `beta`; several share one PostgreSQL */
  static async federate(
    names: readonly string[],
    storage: Storage,
    { undo, onDied }: Pick<Guard, 'undo' | 'onDied'>,
  ): Promise<BenchServer[]> {
    const folder = await mkdtemp(join(tmpdir(), 'hawser-bench-'));
    undo.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const cluster =
      storage === 'postgres' ? await Cluster.make(await ensurePostgres(), { isDurable: true }) : undefined;
    if (cluster) undo.defer(() => cluster.remove());
    const places = await freePlaces(...names);
    const servers: BenchServer[] = [];
    for (const name of names) {
      const database = (await cluster?.database())?.url;
      const place = places[name];
      if (!place) throw new Error('no ports');
      const own = join(folder, name);
      await mkdir(own);
      servers.push(await BenchServer.#of({ name, folder: own, places: place, database }, { undo, onDied }));
    }
    for (const one of servers) await one.allow(servers.filter((other) => other !== one));
    return servers;
  }

  static async #of(
    options: Parameters<typeof Organisation.prepare>[0],
    { undo, onDied }: Pick<Guard, 'undo' | 'onDied'>,
  ): Promise<BenchServer> {
    const organisation = await Organisation.prepare(options);
    undo.defer(() => organisation.stop());
    return new BenchServer(await loadSite(organisation.config, ['homeserver']), organisation, onDied);
  }

  get domain(): DomainName {
    return this.#organisation.domain;
  }

  /** Where its administrator asks. */
  get admin(): string {
    return `http://127.0.0.1:${this.#organisation.places.homeAdmin}`;
  }

  /** Puts exactly these on its allow list. */
  allow(others: readonly BenchServer[]): Promise<void> {
    return this.#organisation.allow(others.map((other) => other.#organisation));
  }

  /** @returns from the start of the process to its first answer, ms */
  async start(): Promise<number> {
    const began = performance.now();
    this.#process = await this.#organisation.startServer('homeserver', this.#onDied);
    const health = await fetch(`${this.admin}/health`);
    await health.body?.cancel();
    return performance.now() - began;
  }

  /** Its media server too, which has to be there for calls. */
  async startMedia(): Promise<void> {
    await this.#organisation.startServer('sft', this.#onDied);
  }

  stop(): Promise<void> {
    return this.#organisation.stop();
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }
}
