/**
 * For tests: a real SFT of a domain in this process, on loopback and free ports, with real certificates. Its homeserver is
 * a double: it signs tickets and grants with the domain's real key over the real door, and knows no people.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pino } from 'pino';
import { ASSET_KINDS } from '#signalling/assets.ts';
import { CLIENT_SFT } from '#signalling/client-sft.ts';
import type { ConferenceId, DomainName, ParticipantId } from '#signalling/ids.ts';
import { Rpc, type Socket } from '#signalling/rpc.ts';
import { SFT_HOME, SFT_HOME_PATH } from '#signalling/sft-home.ts';
import { SFT_LINK } from '#signalling/sft-link.ts';
import { until } from '#signalling/testing.ts';
import { type GrantClaims, type Permission, signGrant, signTicket, type TicketClaims } from '#signalling/ticket.ts';
import { acceptSockets, dialSocket } from '#signalling/websocket.ts';
import type { Site } from '#site/schema.ts';
import { freePorts } from '#site/testing-ports.ts';
import { Credentials } from '#trust/credentials.ts';
import { PeerDialler } from '#trust/dialler.ts';
import { createPeerServer } from '#trust/door.ts';
import { PeerList } from '#trust/peers.ts';
import {
  makeTestDomain,
  type TestCertificate,
  type TestDomain,
  type TestPeer,
  writeTestPeers,
} from '#trust/testing.ts';
import { readTicketSigningKey } from '#trust/tickets.ts';
import type { TrunkMode } from './conference/demand.ts';
import type { VoiceLimits } from './conference/voices.ts';
import { type RunningSft, type SftOptions, startSft } from './main.ts';
import type { Entrance } from './media/client-transport.ts';
import type { stateOf } from './server/admin.ts';

export type SftState = Awaited<ReturnType<typeof stateOf>>;

export const randomId = <T>(bytes: number) => randomBytes(bytes).toString('base64url') as T;
export const newConferenceId = () => randomId<ConferenceId>(16);
export const newParticipantId = () => randomId<ParticipantId>(16);

/** One domain with a running SFT. */
export class TestSft {
  readonly test: TestDomain;
  readonly site: Site;
  readonly #log: string[];
  readonly #key: CryptoKey;
  #undo = new AsyncDisposableStack();
  /** Who is present, as the SFT told its homeserver. */
  readonly presence = new Map<ConferenceId, readonly ParticipantId[]>();
  /** What the homeserver answers to `grant`; set by `federate`. */
  readonly #anchors = new Map<ConferenceId, TestSft>();
  /** The other domains of conferences that this SFT anchors. */
  /** As it told its homeserver, ms since 1970. */
  drainsUntil: number | undefined;
  readonly #guests = new Map<ConferenceId, Set<DomainName>>();
  #allowedSeq = 0;
  #home: Rpc<typeof SFT_HOME, 'acceptor'> | undefined;

  private constructor(test: TestDomain, site: Site, key: CryptoKey, log: string[]) {
    this.test = test;
    this.site = site;
    this.#key = key;
    this.#log = log;
  }

  /** @param announcedIp where its trunks are reached, if that is not where they are */
  static async start(folder: string, name: string, { options, run, ...setting }: TestSetting = {}): Promise<TestSft> {
    await using undo = new AsyncDisposableStack();
    const test = await makeTestDomain(folder, `${name}.example`);
    const tls = setting.tls ? await test.issue({ names: ['127.0.0.1'] }) : undefined;
    const site = await siteOf(test, setting, tls);
    await writeTestPeers(site.peers, []);
    const log: string[] = [];
    const key = await readTicketSigningKey(test.tickets.privateKey);
    const sft = new TestSft(test, site, key, log);
    await sft.#startHome(undo);
    const logger = pino({ level: 'info' }, { write: (line: string) => void log.push(line) });
    const start = run ?? ((of: Site) => startSft({ site: of, log: logger, linkIdleMs: 50, ...options }));
    const running = await start(site);
    undo.defer(() => running.close());
    await until(() => sft.#home !== undefined, 'the SFT at its homeserver');
    sft.#undo = undo.move();
    return sft;
  }

  get domain(): DomainName {
    return this.test.domain;
  }

  /** Everything that the SFT logged. */
  get log(): string {
    return this.#log.join('');
  }

  async close(): Promise<void> {
    await this.#undo.disposeAsync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  allow(...peers: readonly TestPeer[]): Promise<void> {
    return writeTestPeers(this.site.peers, peers);
  }

  async ticket(change: Partial<TicketClaims> & { conference: ConferenceId }, key = this.#key): Promise<string> {
    const now = Date.now() / 1_000;
    return signTicket(
      {
        iss: this.domain,
        aud: `sft.${this.domain}`,
        iat: now,
        exp: now + 120,
        jti: randomId<string>(16),
        participant: newParticipantId(),
        anchor: this.domain,
        may: ['audio', 'video', 'screen'],
        ...change,
      },
      key,
    );
  }

  /** A grant of this domain as anchor. */
  async grant(change: Pick<GrantClaims, 'conference' | 'domain'> & Partial<GrantClaims>): Promise<string> {
    const now = Date.now() / 1_000;
    const { domain } = this;
    const claims = {
      iss: domain,
      aud: `sft.${domain}`,
      iat: now,
      exp: now + 120,
      jti: randomId<string>(16),
      domains: [domain],
    };
    return signGrant({ ...claims, ...change }, this.#key);
  }

  /** Says at the homeserver which SFT is the anchor of a conference; all that federate may meet each other there. */
  federate(conference: ConferenceId, anchor: TestSft): void {
    this.#anchors.set(conference, anchor);
    anchor.#guests.set(conference, (anchor.#guests.get(conference) ?? new Set()).add(this.domain));
  }

  /** Says as the anchor's homeserver who may be in a conference, each with the others that it may meet. */
  allowIn(conference: ConferenceId, ...guests: readonly (readonly [TestSft, ...TestSft[]])[]): void {
    const domains = guests.map(([guest, ...others]) => ({
      domain: guest.domain,
      domains: [this.domain, ...others.map(({ domain }) => domain)],
    }));
    this.#allowedSeq += 1;
    this.#home?.notify('allowed', { conference, seq: this.#allowedSeq, domains });
  }

  /** Says as the homeserver what participants may send: those that are named, and everybody else. */
  permit(conference: ConferenceId, unnamed: Permission[], ...named: (readonly [ParticipantId, Permission[]])[]): void {
    this.#home?.notify('permissions', {
      conference,
      unnamed,
      named: named.map(([participant, may]) => ({ participant, may })),
    });
  }

  /** Says as the homeserver that microphones are to be muted. */
  mute(conference: ConferenceId, ...participants: ParticipantId[]): void {
    this.#home?.notify('mute', { conference, participants });
  }

  endConference(conference: ConferenceId): void {
    this.#home?.notify('endConference', { conference });
  }

  get signallingUrl(): string {
    return this.site.sft.client.url;
  }

  /** A client's connection that has not joined yet. */
  async connect(): Promise<TestClient> {
    const closed = Promise.withResolvers<string>();
    const rpc = new Rpc({
      contract: CLIENT_SFT,
      side: 'dialler',
      socket: await dialSocket({ url: this.signallingUrl, contract: CLIENT_SFT }),
      requests: {},
      notifications: {
        roster: () => undefined,
        consumer: () => undefined,
        consumerClosed: () => undefined,
        layer: () => undefined,
        layers: () => undefined,
        silenced: () => undefined,
        signalled: () => undefined,
        speaker: () => undefined,
        notice: () => undefined,
      },
      onClose: ({ code }) => closed.resolve(code),
    });
    return { rpc, closed: closed.promise };
  }

  /** A link that this domain dials to another, spoken by hand: for peers that misbehave. */
  async dialLink(to: TestSft) {
    const credentials = await Credentials.open(this.test.files('sft'));
    const peers = await PeerList.open(this.site.peers);
    const dialler = new PeerDialler({ credentials, peers });
    const closed = Promise.withResolvers<string>();
    const heard: { method: string; note: unknown }[] = [];
    const hear = (method: string) => (note: unknown) => void heard.push({ method, note });
    const agent = dialler.agent(to.domain, 'sft');
    // A change of the allow list takes effect within a second.
    let socket: Socket | undefined;
    await until(async () => {
      socket = await dialSocket({ url: to.site.sft.link.url, contract: SFT_LINK, agent }).catch(() => undefined);
      return socket !== undefined;
    }, `${to.domain} lets ${this.domain} in`);
    if (!socket) throw new Error('no link');
    const rpc = new Rpc({
      contract: SFT_LINK,
      side: 'dialler',
      socket,
      limits: { pingMs: 250 },
      requests: {},
      notifications: {
        sources: hear('sources'),
        streams: hear('streams'),
        demand: hear('demand'),
        levels: hear('levels'),
        shed: hear('shed'),
        signal: hear('signal'),
        ended: hear('ended'),
        rotate: hear('rotate'),
      },
      onClose: ({ code }) => closed.resolve(code),
    });
    const close = () => {
      rpc.close();
      dialler.close();
      peers.close();
      credentials.close();
    };
    return { rpc, closed: closed.promise, heard, [Symbol.dispose]: close };
  }

  async state(): Promise<SftState> {
    return (await fetch(`http://${this.site.sft.admin.listen}/state`)).json() as Promise<SftState>;
  }

  /** What `hawser sft rotate` does. */
  async rotate(peer: TestSft): Promise<{ rotated?: number; code?: string }> {
    const response = await fetch(`http://${this.site.sft.admin.listen}/trunks/rotate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ peer: peer.domain }),
    });
    return (await response.json()) as { rotated?: number; code?: string };
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://${this.site.sft.admin.listen}/metrics`)).text();
  }

  /** The value of a metric with all of the labels, 0 where there is none. */
  async metric(name: string, labels = ''): Promise<number> {
    const line = (await this.metrics())
      .split('\n')
      .find((each) => each.startsWith(labels ? `${name}{${labels}}` : `${name} `));
    return Number(line?.split(' ').at(-1) ?? 0);
  }

  /** Resolves when nothing is alive but the SFT itself. */
  async idle(): Promise<void> {
    const empty = async () => {
      const { conferences, links, workers } = await this.state();
      const media = workers.every(
        ({ transports, producers, rtpObservers }) => transports + producers + rtpObservers === 0,
      );
      return conferences.length === 0 && media && links.every(({ trunks }) => trunks.length === 0);
    };
    await until(empty, `nothing left at ${this.domain}`, 10_000);
  }

  async #startHome(undo: AsyncDisposableStack): Promise<void> {
    const credentials = await Credentials.open(this.test.files('homeserver'));
    undo.defer(() => credentials.close());
    const peers = await PeerList.open(this.site.peers);
    undo.defer(() => peers.close());
    const server = createPeerServer({ credentials, peers, accepts: { own: ['sft'], peers: [] } });
    const acceptor = acceptSockets({
      server,
      path: SFT_HOME_PATH,
      contract: SFT_HOME,
      maxConnections: 10,
      onSocket: (socket) => {
        const rpc: Rpc<typeof SFT_HOME, 'acceptor'> = new Rpc({
          contract: SFT_HOME,
          side: 'acceptor',
          socket,
          requests: {
            hello: async () => {
              this.#home = rpc;
              return { domain: this.domain };
            },
            grant: ({ conference }) => this.#answerGrant(conference),
          },
          notifications: {
            presence: ({ conference, participants }) => void this.presence.set(conference, participants),
            draining: ({ until: at }) => {
              this.drainsUntil = at;
            },
          },
        });
      },
    });
    const { port } = new URL(this.site.sft.homeserver);
    await new Promise<void>((resolve) => server.listen(Number(port), '127.0.0.1', resolve));
    undo.defer(async () => {
      acceptor.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
  }

  async #answerGrant(conference: ConferenceId) {
    const anchor = this.#anchors.get(conference);
    if (!anchor) throw new Error('the test did not federate this conference');
    const others = [...(anchor.#guests.get(conference) ?? [])].filter((other) => other !== this.domain);
    const grant = await anchor.grant({ conference, domain: this.domain, domains: [anchor.domain, ...others] });
    return { grant, anchor: anchor.domain, link: anchor.site.sft.link.url };
  }
}

/** What is not as usual. */
export interface TestSetting {
  readonly mode?: TrunkMode;
  readonly voices?: VoiceLimits;
  /** The address of its media that clients are told; 127.0.0.1 when left out. */
  readonly clientIp?: string | undefined;
  /** The address of its trunks that other SFTs are told; likewise. */
  readonly trunkIp?: string | undefined;
  readonly entrance?: Entrance;
  /** Whether clients come by TLS, with a certificate of the domain's own authority. */
  readonly tls?: boolean;
  readonly options?: Partial<SftOptions>;
  /** Starts the SFT of the site in another way, in a process of its own for instance. */
  readonly run?: (site: Site) => Promise<Pick<RunningSft, 'close'>>;
}

export interface TestClient {
  readonly rpc: Rpc<typeof CLIENT_SFT, 'dialler'>;
  /** The code with which the connection ended. */
  readonly closed: Promise<string>;
}

async function siteOf(
  test: TestDomain,
  { mode = 'everything', voices = { loud: 4, warm: 16 }, clientIp, trunkIp, entrance = 'webrtc' }: TestSetting,
  tls: TestCertificate | undefined,
): Promise<Site> {
  const [client = 0, link = 0, admin = 0, home = 0, page = 0, homeAdmin = 0] = await freePorts(6);
  const [media = 0] = await freePorts(13);
  const at = (port: number) => `127.0.0.1:${port}`;
  return {
    domain: test.domain,
    data: join(test.folder, 'data'),
    peers: join(test.folder, 'peers.yaml'),
    certificates: {
      authority: test.authority,
      revocationList: test.revocationList,
      homeserver: test.homeserver,
      sft: test.sft,
      tickets: test.tickets,
      devices: test.devices,
    },
    homeserver: {
      client: { listen: at(page), url: `http://${at(page)}`, proxies: [] },
      federation: { listen: at(home), address: at(home) },
      admin: { listen: at(homeAdmin) },
      registration: { mode: 'closed', emailDomains: [], workBits: 16, invitationDays: 7 },
      teamMates: 'domain',
      foreignPeople: 'open',
      search: 'full',
      pushServices: [],
      assets: {
        fileMb: 100,
        kinds: [...ASSET_KINDS],
        userMb: 1_000,
        totalMb: 10_000,
        keepFreeMb: 1,
        stalledHours: 24,
      },
    },
    sft: {
      client: {
        listen: at(client),
        url: `${tls ? 'wss' : 'ws'}://${at(client)}/client/v1`,
        origins: [`http://${at(page)}`],
        ...(tls && { tls }),
      },
      link: { listen: at(link), url: `wss://${at(link)}/link/v1` },
      admin: { listen: at(admin) },
      homeserver: `wss://${at(home)}${SFT_HOME_PATH}`,
      media: {
        workers: 1,
        listenIp: '127.0.0.1',
        entrance,
        port: media,
        ...(clientIp && { announcedIp: clientIp }),
      },
      trunk: {
        listenIp: '127.0.0.1',
        ports: { from: media + 4, to: media + 12 },
        mode,
        ...(trunkIp && { announcedIp: trunkIp }),
      },
      voices,
      drainMinutes: 0,
      limits: { participants: 50, conferences: 10, participantsPerConference: 20, connections: 100, links: 10 },
      peerLimits: { sendMbit: 200, receiveMbit: 200, sources: 500, conferences: 100, participants: 500 },
    },
  };
}
