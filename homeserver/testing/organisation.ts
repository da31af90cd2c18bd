/** For tests: whole organisations on loopback, each with certificates, an allow list and a homeserver in this process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { DomainName } from '#signalling/ids.ts';
import type { Site } from '#site/schema.ts';
import { makeTestDomain, type TestDomain, type TestPeer, writeTestPeers } from '#trust/testing.ts';
import { type HomeserverOptions, type RunningHomeserver, startHomeserver } from '../main.ts';
import { Person } from './person.ts';
import { FakeSft } from './sft.ts';
import { testSite } from './site.ts';
import { testDatabase } from './world.ts';

export const PASSWORD = 'correct horse battery';

export class Organisation {
  readonly certificates: TestDomain;
  readonly site: Site;
  /** Lines of the log, for tests of what must not be in there. */
  readonly logged: string[] = [];
  #running: RunningHomeserver | undefined;
  #sft: FakeSft | undefined;
  readonly #people: Person[] = [];
  readonly #untold = new Set<string>();
  readonly #drop: () => Promise<void>;

  /** @param drop takes away what is not in the folder */
  constructor(certificates: TestDomain, site: Site, drop: () => Promise<void> = async () => undefined) {
    this.certificates = certificates;
    this.site = site;
    this.#drop = drop;
  }

  get domain(): DomainName {
    return this.certificates.domain;
  }

  get homeserver(): RunningHomeserver {
    if (!this.#running) throw new Error(`${this.domain} is not running`);
    return this.#running;
  }

  get sft(): FakeSft {
    if (!this.#sft) throw new Error(`${this.domain} has no SFT`);
    return this.#sft;
  }

  get url(): string {
    return this.site.homeserver.client.url;
  }

  get admin(): string {
    return `http://${this.site.homeserver.admin.listen}`;
  }

  async start(options: Partial<HomeserverOptions> = {}): Promise<void> {
    const log = pino({ level: 'debug' }, { write: (line: string) => void this.logged.push(line) });
    this.#running = await startHomeserver({
      site: this.site,
      log,
      onUntold: (complaint) => this.#untold.add(complaint),
      ...options,
    });
  }

  /** Only the homeserver; its data stay. */
  async stop(): Promise<void> {
    await this.#running?.close();
    this.#running = undefined;
  }

  async connectSft(): Promise<FakeSft> {
    this.#sft = await FakeSft.connect(this.site.sft.homeserver, this.certificates);
    return this.#sft;
  }

  /** Makes an account, signs in and listens. */
  async person(handle: string, name = handle): Promise<Person> {
    await this.homeserver.createAccount({ handle, name, password: PASSWORD });
    const person = await Person.signIn(this.url, handle, PASSWORD);
    this.#people.push(person);
    return person;
  }

  /** Somebody who comes by a link to a call, and listens. */
  async guest(token: string, name: string): Promise<Person> {
    const guest = await Person.comeAsGuest(this.url, token, name);
    this.#people.push(guest);
    return guest;
  }

  /** Writes the allow list; running servers follow within a second. */
  allow(...peers: readonly (Organisation | (Partial<TestPeer> & { organisation: Organisation }))[]): Promise<void> {
    return writeTestPeers(
      this.site.peers,
      peers.map((peer) => {
        const { organisation, ...rest } = peer instanceof Organisation ? { organisation: peer } : peer;
        return {
          of: organisation.certificates,
          homeserver: organisation.site.homeserver.federation.address,
          ...rest,
        };
      }),
    );
  }

  async close(): Promise<void> {
    for (const person of this.#people) person.close();
    this.#sft?.close();
    await this.stop();
    await this.#drop();
    if (this.#untold.size > 0) throw new Error([...this.#untold].join('\n'));
  }
}

export interface World extends AsyncDisposable {
  readonly organisations: readonly Organisation[];
  readonly folder: string;
}

/** Organisations that allow each other, running, each with a connected SFT. */
export async function organise(...names: readonly string[]): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-homeserver-'));
  const organisations = await Promise.all(names.map((name) => makeOrganisation(folder, name)));
  for (const one of organisations) await one.allow(...organisations.filter((other) => other !== one));
  for (const one of organisations) await one.start();
  for (const one of organisations) await one.connectSft();
  return {
    organisations,
    folder,
    async [Symbol.asyncDispose]() {
      for (const one of organisations) await one.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeOrganisation(parent: string, name: string): Promise<Organisation> {
  const certificates = await makeTestDomain(parent, name);
  const database = await testDatabase();
  return new Organisation(certificates, await testSite(certificates, database?.url), database?.drop);
}
