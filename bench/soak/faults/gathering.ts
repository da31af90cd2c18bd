/** Homeservers that are processes, one for each domain, with a link for each direction between two, and an SFT without media at each. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HomeserverProcess } from '#homeserver/testing/process.ts';
import { FakeSft } from '#homeserver/testing/sft.ts';
import { testSite } from '#homeserver/testing/site.ts';
import type { Troubles } from '#homeserver/testing/trouble.ts';
import type { CallTicket } from '#signalling/client-home.ts';
import type { ConferenceId, ParticipantId } from '#signalling/ids.ts';
import { until } from '#signalling/testing-until.ts';
import type { Site } from '#site/schema.ts';
import { makeTestDomain, type TestDomain, writeTestPeers } from '#trust/testing.ts';
import { PASSWORD } from '../stage.ts';
import { Link } from './link.ts';

const MAX_LOGGED = 5_000;
/** A homeserver with everything to do at once takes its time, ms. */
const START_MS = 30_000;

export class Gathering {
  readonly homes: readonly Home[];
  readonly #links = new Map<string, Link>();

  private constructor(homes: readonly Home[]) {
    this.homes = homes;
  }

  /**
   * @param databases URLs of empty PostgreSQL databases, one for each domain; SQLite when left out
   * @param undo takes everything away in its turn
   */
  static async gather(
    domains: readonly string[],
    databases: readonly string[] | undefined,
    undo: AsyncDisposableStack,
  ): Promise<Gathering> {
    const folder = await mkdtemp(join(tmpdir(), 'hawser-soak-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const homes: Home[] = [];
    for (const [index, domain] of domains.entries()) {
      const certificates = await makeTestDomain(folder, domain);
      homes.push(new Home(certificates, await testSite(certificates, databases?.[index])));
    }
    const gathering = new Gathering(homes);
    undo.defer(() => gathering.close());
    for (const home of homes) await gathering.#introduce(home);
    await Promise.all(homes.map((home) => home.start()));
    return gathering;
  }

  home(domain: string): Home {
    const found = this.homes.find((each) => each.domain === domain);
    if (!found) throw new RangeError(domain);
    return found;
  }

  link(from: string, to: string): Link {
    const found = this.#links.get(`${from} ${to}`);
    if (!found) throw new RangeError(`${from} to ${to}`);
    return found;
  }

  /** Everything is well from now on. Resolves when all homeservers serve. */
  async heal(): Promise<void> {
    for (const link of this.#links.values()) {
      link.heal();
      link.delay(0);
    }
    for (const home of this.homes) home.heal();
    await Promise.all(this.homes.map((home) => home.start()));
  }

  async close(): Promise<void> {
    for (const home of this.homes) await home.kill();
    for (const link of this.#links.values()) await link[Symbol.asyncDispose]();
  }

  /** Makes its links, and tells it of the others by the addresses of these. */
  async #introduce({ domain, site }: Home): Promise<void> {
    const peers = [];
    for (const other of this.homes) {
      if (other.domain === domain) continue;
      const target = Number(other.site.homeserver.federation.address.split(':')[1]);
      const link = await Link.open(target);
      this.#links.set(`${domain} ${other.domain}`, link);
      peers.push({ of: other.certificates, homeserver: `127.0.0.1:${link.port}` });
    }
    await writeTestPeers(site.peers, peers);
  }
}

export class Home {
  readonly certificates: TestDomain;
  readonly site: Site;
  /** The last lines of its log. */
  readonly logged: string[] = [];
  readonly #present = new Map<ConferenceId, Set<ParticipantId>>();
  #process: HomeserverProcess | undefined;
  #starting: Promise<void> | undefined;
  #sft: FakeSft | undefined;
  #troubles: Troubles = {};

  constructor(certificates: TestDomain, site: Site) {
    this.certificates = certificates;
    this.site = site;
  }

  get domain(): string {
    return this.certificates.domain;
  }

  get url(): string {
    return this.site.homeserver.client.url;
  }

  /** Resolves when it serves, and its SFT is connected. Does nothing where it does already. */
  start(): Promise<void> {
    if (!this.#starting && this.#process && !this.#process.isOver) return Promise.resolve();
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async kill(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    this.#sft?.close();
    await this.#process?.kill();
  }

  trouble(troubles: Troubles): void {
    this.#troubles = { ...this.#troubles, ...troubles };
    this.#process?.trouble(this.#troubles);
  }

  heal(): void {
    this.#troubles = {};
    this.#process?.trouble({});
  }

  async createAccount(handle: string): Promise<void> {
    const response = await fetch(`http://${this.site.homeserver.admin.listen}/admin/v1/accounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ handle, name: handle, password: PASSWORD }),
    });
    if (!response.ok) throw new Error(`The account ${handle} could not be made: ${await response.text()}`);
  }

  /** Somebody of this domain came into a call, and stays until it ends. */
  join({ call: { conference }, participant }: CallTicket): void {
    const present = this.#present.get(conference) ?? new Set();
    this.#present.set(conference, present.add(participant));
    this.#state(conference);
  }

  /** Nobody is in any call. */
  emptyCalls(): void {
    for (const [conference, present] of this.#present) {
      present.clear();
      this.#state(conference);
    }
    this.#present.clear();
  }

  async #start(): Promise<void> {
    // With a full disk it may fail to start, until there is room again.
    await until(
      async () => {
        const onLog = (line: string) => {
          this.logged.push(line);
          if (this.logged.length > MAX_LOGGED) this.logged.shift();
        };
        onLog('started');
        const options = { onLog, troubles: this.#troubles };
        this.#process = await HomeserverProcess.launch(this.site, this.certificates.folder, options);
        return this.#process.started.then(
          () => true,
          () => false,
        );
      },
      `${this.domain} serves`,
      START_MS,
    );
    this.#process?.trouble(this.#troubles);
    this.#sft = await FakeSft.connect(this.site.sft.homeserver, this.certificates);
    for (const conference of this.#present.keys()) this.#state(conference);
  }

  #state(conference: ConferenceId): void {
    const { ended = [], removed = [] } = this.#sft ?? {};
    const all = ended.includes(conference) ? [] : [...(this.#present.get(conference) ?? [])];
    const present = all.filter((each) => !removed.includes(each));
    if (this.#sft?.rpc.isOpen) this.#sft.presence(conference, present);
  }
}
