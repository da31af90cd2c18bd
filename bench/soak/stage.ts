/** One organisation whose homeserver is a process that may die: its folder, its certificates, its accounts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HomeserverProcess, type ProcessOptions } from '#homeserver/testing/process.ts';
import { testSite } from '#homeserver/testing/site.ts';
import type { Site } from '#site/schema.ts';
import { makeTestDomain, writeTestPeers } from '#trust/testing.ts';

export const DOMAIN = 'alpha.example';
export const PASSWORD = 'correct horse battery';

export class Stage {
  readonly site: Site;
  readonly folder: string;
  readonly #options: ProcessOptions;
  #server: HomeserverProcess | undefined;

  private constructor(site: Site, folder: string, options: ProcessOptions) {
    this.site = site;
    this.folder = folder;
    this.#options = options;
  }

  /**
   * @param database URL of an empty PostgreSQL database; SQLite when left out
   * @param undo takes everything away in its turn
   */
  static async set(
    database: string | undefined,
    undo: AsyncDisposableStack,
    options: ProcessOptions = {},
  ): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'hawser-soak-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const certificates = await makeTestDomain(folder, DOMAIN);
    const site = await testSite(certificates, database);
    await writeTestPeers(site.peers, []);
    const stage = new Stage(site, folder, options);
    undo.defer(() => stage.kill());
    return stage;
  }

  get url(): string {
    return this.site.homeserver.client.url;
  }

  get admin(): string {
    return `http://${this.site.homeserver.admin.listen}`;
  }

  /** The homeserver that was started last. @throws Error where none was */
  get server(): HomeserverProcess {
    if (!this.#server) throw new Error('the homeserver was not started');
    return this.#server;
  }

  /** Starts it, and does not wait until it serves. */
  async launch(): Promise<HomeserverProcess> {
    this.#server = await HomeserverProcess.launch(this.site, this.folder, this.#options);
    return this.#server;
  }

  async start(): Promise<void> {
    await (await this.launch()).started;
  }

  async kill(): Promise<void> {
    await this.#server?.kill();
  }

  async createAccount(handle: string): Promise<void> {
    const response = await fetch(`${this.admin}/admin/v1/accounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ handle, name: handle, password: PASSWORD }),
    });
    if (!response.ok) throw new Error(`The account ${handle} could not be made: ${await response.text()}`);
  }
}
