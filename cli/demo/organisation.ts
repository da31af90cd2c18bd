/** One organisation of the demo: its certificates, its site and its two servers, all in one folder and on loopback. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { TrunkMode } from '#sft/conference/demand.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { Part } from '#site/part.ts';
import { issueServer, makeAuthority, makeRevocationList, makeTicketKeys } from '#trust/issue.ts';
import { issueDeviceAuthority, makeDeviceRoot } from '#trust/issue-devices.ts';
import { DAY, validityFrom } from '#trust/issuing.ts';
import { Problem } from '../errors.ts';
import type { Places } from './places.ts';
import { ServerProcess } from './server-process.ts';

/** Where an organisation's media goes over the border; both on loopback. */
export interface TrunkAddress {
  readonly listenIp: string;
  readonly announcedIp?: string;
}

export interface OrganisationOptions {
  /** `alpha`; its domain is `alpha.localhost`. */
  readonly name: string;
  /** A folder of its own. */
  readonly folder: string;
  readonly places: Places;
  /** Media workers; one is enough for a demo. */
  readonly workers?: number;
  readonly trunk?: TrunkAddress;
  /** By plain RTP come the synthetic people of a load test that is too large for WebRTC. */
  readonly entrance?: 'webrtc' | 'plain';
  /** What is asked of other organisations; the SFT's default when left out. */
  readonly mode?: TrunkMode;
  /** Most people in one conference. */
  readonly participantsPerConference?: number;
  /** Mail server, `smtp://127.0.0.1:2525`; with it everybody may register. */
  readonly mail?: string;
  /** A PostgreSQL database in place of the file of SQLite. */
  readonly database?: string | undefined;
  /** Where what it takes can be read, `http://127.0.0.1:8199/`. */
  readonly mailbox?: string;
}

const HOST = '127.0.0.1';
const LIFE = 7 * DAY;
const READ_BY_OWNER = 0o600;

/** An organisation whose files stand and whose servers may run. */
export class Organisation {
  readonly name: string;
  readonly domain: DomainName;
  readonly folder: string;
  readonly places: Places;
  readonly #servers: ServerProcess[] = [];

  private constructor(options: OrganisationOptions) {
    this.name = options.name;
    this.domain = `${options.name}.localhost` as DomainName;
    this.folder = options.folder;
    this.places = options.places;
  }

  /** Writes certificates and `hawser.yaml`. Nobody is allowed yet. */
  static async prepare(options: OrganisationOptions): Promise<Organisation> {
    const organisation = new Organisation(options);
    await organisation.#writeCertificates();
    await writeFile(organisation.config, stringify(organisation.#site(options)));
    await organisation.allow([]);
    return organisation;
  }

  get config(): string {
    return join(this.folder, 'hawser.yaml');
  }

  /** The address that people open. */
  get url(): string {
    return `http://${this.domain}:${this.places.home}`;
  }

  get processes(): readonly ServerProcess[] {
    return this.#servers;
  }

  /** Puts exactly these organisations on the allow list. */
  async allow(others: readonly Organisation[]): Promise<void> {
    const peers = others.map((other) => ({
      domain: other.domain,
      state: 'allowed',
      authority: join(other.folder, 'certificates', 'authority.pem'),
      revocationList: join(other.folder, 'certificates', 'revoked.pem'),
      homeserver: `${HOST}:${other.places.federation}`,
      mediaPrefixes: ['127.0.0.0/8'],
    }));
    await writeFile(join(this.folder, 'peers.yaml'), stringify(peers));
  }

  /**
   * Starts homeserver and SFT and waits until they know each other.
   * @param onDied called with a sentence when one of them ends by itself
   */
  async start(onDied: (sentence: string) => void): Promise<void> {
    const started = await Promise.allSettled([this.startServer('homeserver', onDied), this.startServer('sft', onDied)]);
    for (const result of started) if (result.status === 'rejected') throw result.reason;
    await this.#whole();
  }

  /** Starts one of them alone; it is stopped with the others. */
  async startServer(part: Part, onDied: (sentence: string) => void): Promise<ServerProcess> {
    const name = `the ${part === 'sft' ? 'SFT' : part} of ${this.name}`;
    const server = await ServerProcess.start(part, name, this.config, join(this.folder, `${part}.log`), onDied);
    this.#servers.push(server);
    return server;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map((server) => server.stop()));
  }

  async createAccount(handle: string, name: string, password: string): Promise<void> {
    const response = await fetch(`http://${HOST}:${this.places.homeAdmin}/admin/v1/accounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ handle, name, password, email: `${handle}@${this.domain}` }),
    });
    if (!response.ok) throw new Problem(`The account ${handle} could not be made: ${await response.text()}`);
  }

  /** What the SFT's admin port says of everything that lives in it. */
  async sftState(): Promise<SftState> {
    const response = await fetch(`http://${HOST}:${this.places.sftAdmin}/state`);
    return (await response.json()) as SftState;
  }

  async #whole(): Promise<void> {
    const until = performance.now() + 10_000;
    while (performance.now() < until) {
      const health = await fetch(`http://${HOST}:${this.places.homeAdmin}/health`).catch(() => undefined);
      if (health?.ok && ((await health.json()) as { sft: boolean }).sft) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Problem(`The two servers of ${this.name} do not find each other; their logs are in ${this.folder}.`);
  }

  async #writeCertificates(): Promise<void> {
    const folder = join(this.folder, 'certificates');
    await mkdir(folder, { recursive: true });
    const validity = validityFrom(Date.now(), LIFE);
    const authority = await makeAuthority(this.domain, validity);
    const homeserver = await issueServer(authority, this.domain, 'homeserver', validity);
    const sft = await issueServer(authority, this.domain, 'sft', validity);
    const tickets = makeTicketKeys();
    const root = await makeDeviceRoot(this.domain, validity);
    const devices = await issueDeviceAuthority(root, this.domain, validity);
    const write = (name: string, text: string) => writeFile(join(folder, name), text, { mode: READ_BY_OWNER });
    await Promise.all([
      write('authority.pem', authority.certificate),
      write('revoked.pem', await makeRevocationList(authority, [], Date.now())),
      write('homeserver.pem', homeserver.certificate),
      write('homeserver.key', homeserver.key),
      write('sft.pem', sft.certificate),
      write('sft.key', sft.key),
      write('tickets.key', tickets.privateKey),
      write('tickets.pem', tickets.publicKey),
      write('devices-root.pem', root.certificate),
      write('devices-root-revoked.pem', await makeRevocationList(root, [], Date.now())),
      write('devices.pem', devices.certificate),
      write('devices.key', devices.key),
    ]);
  }

  #site({
    workers = 1,
    trunk = { listenIp: HOST },
    entrance = 'webrtc',
    participantsPerConference = 200,
    mode,
    mail,
    database,
    mailbox,
  }: OrganisationOptions) {
    const { domain, places } = this;
    return {
      domain,
      certificates: {
        authority: 'certificates/authority.pem',
        revocationList: 'certificates/revoked.pem',
        homeserver: { certificate: 'certificates/homeserver.pem', key: 'certificates/homeserver.key' },
        sft: { certificate: 'certificates/sft.pem', key: 'certificates/sft.key' },
        tickets: { privateKey: 'certificates/tickets.key', publicKey: 'certificates/tickets.pem' },
        devices: {
          root: 'certificates/devices-root.pem',
          revocationList: 'certificates/devices-root-revoked.pem',
          certificate: 'certificates/devices.pem',
          key: 'certificates/devices.key',
        },
      },
      homeserver: {
        client: { listen: `${HOST}:${places.home}`, url: this.url },
        federation: { listen: `${HOST}:${places.federation}`, address: `${HOST}:${places.federation}` },
        admin: { listen: `${HOST}:${places.homeAdmin}` },
        ...(database !== undefined && { database }),
        ...(mail && {
          mail: { url: mail, from: `hawser@${domain}`, ...(mailbox && { mailbox }) },
          registration: { mode: 'open', workBits: 14 },
        }),
      },
      sft: {
        client: {
          listen: `${HOST}:${places.sft}`,
          url: `ws://${domain}:${places.sft}/client/v1`,
          origins: [this.url],
        },
        link: { listen: `${HOST}:${places.link}`, url: `wss://${HOST}:${places.link}/link/v1` },
        admin: { listen: `${HOST}:${places.sftAdmin}` },
        homeserver: `wss://${HOST}:${places.federation}/sft/v1`,
        media: { workers, listenIp: HOST, entrance, port: places.media },
        trunk: { ...trunk, ports: places.trunk, ...(mode && { mode }) },
        limits: { participantsPerConference },
      },
    };
  }
}

/** The part of `/state` that the demo and the benchmarks read. */
export interface SftState {
  readonly conferences: readonly {
    readonly conference: string;
    /** Microphones that may cross to other organisations; absent where all may. */
    readonly voices?: readonly string[];
    /** The layers that are sent of each picture that is published here. */
    readonly publishing: readonly { readonly source: string; readonly layers: readonly number[] }[];
    /** What the other organisations have there, and which layers they want of ours. */
    readonly sides: readonly {
      readonly peer: string;
      readonly participants: number;
      readonly sources: number;
      readonly demand: Readonly<Record<string, readonly number[]>>;
    }[];
  }[];
  readonly links: readonly {
    readonly peer: string;
    readonly trunks: readonly {
      readonly sent: number;
      readonly received: number;
      readonly streams: readonly {
        readonly source: string;
        readonly kind: string;
        readonly layer: number;
        readonly layers: readonly number[];
        readonly keyFrameRequests: number;
        readonly direction: 'in' | 'out';
        readonly bytes: number;
        readonly packets: number;
      }[];
    }[];
  }[];
  /** What is left out on the way to another organisation, and why. */
  readonly peers: readonly { readonly peer: string; readonly sending: number; readonly shed: readonly object[] }[];
  readonly workers: readonly { readonly pid: number; readonly transports: number; readonly producers: number }[];
}
