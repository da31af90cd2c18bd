/** The SFT of one domain: builds the parts from the site's configuration and hands them to each other. */

import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Logger } from 'pino';
import { CLIENT_SFT, CLIENT_SFT_PATH } from '#signalling/client-sft.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConferenceId, DomainName } from '#signalling/ids.ts';
import { PROBE_PATH, type ProbeSide, SFT_PROBE } from '#signalling/probe.ts';
import { SFT_HOME } from '#signalling/sft-home.ts';
import { LINK_PATH, LINK_VERSIONS, SFT_LINK } from '#signalling/sft-link.ts';
import { checkGrant, type TicketClaims } from '#signalling/ticket.ts';
import { acceptSockets, dialSocket } from '#signalling/websocket.ts';
import { hostAndPort } from '#site/address.ts';
import { discreet } from '#site/log.ts';
import { LogLevel } from '#site/log-level.ts';
import type { Site } from '#site/schema.ts';
import { workersHere } from '#site/sft.ts';
import { BrowserTls } from '#trust/browser-tls.ts';
import { createPeerServer, peerOf } from '#trust/door.ts';
import { serverEndings } from '#trust/endings.ts';
import { withinPrefixes } from '#trust/prefixes.ts';
import { readTicketKey } from '#trust/tickets.ts';
import { openTrust } from '#trust/trust.ts';
import { Ledger, type LeftOutLayer } from './link/ledger.ts';
import { Links } from './link/links.ts';
import { MediaWorkers } from './media/worker.ts';
import { ProbeDoor } from './probe/probe-door.ts';
import { probe } from './probe/prober.ts';
import { createAdminServer } from './server/admin.ts';
import { ClientSession } from './server/client-session.ts';
import { Drain } from './server/drain.ts';
import { Home } from './server/home.ts';
import { Hosts } from './server/hosts.ts';
import { LostSides } from './server/lost-sides.ts';
import { Metrics } from './server/metrics.ts';
import { Presence } from './server/presence.ts';
import { Tickets } from './server/tickets.ts';
import { PortPool } from './trunk/port-pool.ts';
import { ROTATION, type RotationLimits } from './trunk/rotation.ts';

export const SOFTWARE = 'hawser-sft/0.1.0';

export interface SftOptions {
  readonly site: Site;
  readonly log: Logger;
  /** How long a link without a conference is kept, ms. */
  readonly linkIdleMs?: number;
  /** How long the last ones of a call that were cut off may take to come back, ms. */
  readonly comeBackMs?: number;
  readonly rotation?: RotationLimits;
}

export interface RunningSft {
  /**
   * From now on no conference begins; those that are here go on. Resolves when the last one has ended, or the time is over.
   * @param forMs 0: at once
   */
  drain(forMs: number): Promise<void>;
  /** Resolves when it was drained, whoever asked for it; it is to be closed then. */
  readonly drained: Promise<void>;
  /** Lets go of everybody and everything; resolves when no socket, port or worker is left. */
  close(): Promise<void>;
}

const LINK_IDLE_MS = 30_000;
/** Connections of probes at once; one that is dialled back needs a second one. */
const MAX_PROBES = 16;
const LAST_ANSWER_MS = 1_000;
const HTTP_LIMITS = { requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 8 * 1024 };

/** @throws SiteError or Error with a plain sentence: a file that cannot be used, a port that is taken, no media worker */
export async function startSft({
  site,
  log: given,
  linkIdleMs = LINK_IDLE_MS,
  comeBackMs,
  rotation = ROTATION,
}: SftOptions): Promise<RunningSft> {
  await using stack = new AsyncDisposableStack();
  const log = discreet(given);
  const logLevel = new LogLevel(log, () => Date.now());
  stack.defer(() => logLevel.close());
  const { domain, sft } = site;
  const now = () => Date.now();
  const metrics = new Metrics();
  const onFault = (error: unknown, what: string) => {
    metrics.fault();
    log.error({ err: error, what }, 'a fault of the SFT');
  };

  const key = await readTicketKey(site.certificates.tickets.publicKey);
  const trust = await openTrust({
    site,
    role: 'sft',
    onTrouble: (sentence) => log.warn(sentence),
    onRefused: ({ code, domain: peer, wasOpen }) => {
      metrics.refusedLink(code);
      log.warn({ code, peer, wasOpen }, 'refused a connection of another server');
    },
  });
  stack.defer(() => trust.close());

  const workers = await MediaWorkers.start(
    { ...sft.media, workers: workersHere(sft.media) },
    {
      onDied: (worker) => {
        metrics.workerDied();
        log.error({ worker: worker.index }, 'a media worker ended by itself');
        hosts.workerDied(worker);
      },
      onFault,
    },
  );
  stack.defer(() => workers.close());

  const tickets = new Tickets({ domain, key, now });
  /** Conferences in which an administrator looks whether this SFT can be reached; no homeserver knows of them. */
  const examined = new Set<ConferenceId>();
  const presence = new Presence((host) => {
    if (examined.has(host.id)) return;
    home.presence(host);
    log.debug({ conference: host.id, participants: host.participants.length }, 'told the homeserver who is there');
    drain.look();
  }, comeBackMs);
  stack.defer(() => presence.close());
  const drain = new Drain({
    isEmpty: () => hosts.all.length === 0 && !presence.awaitsAnybody,
    onBegun: (at) => {
      log.info({ until: new Date(at).toISOString(), conferences: hosts.all.length }, 'no new conferences are taken');
      home.draining();
    },
    now,
  });
  stack.defer(() => drain.close());
  const hosts: Hosts = new Hosts({
    domain,
    workers,
    mode: sft.trunk.mode,
    voices: sft.voices,
    maxConferences: sft.limits.conferences,
    grantFor: async (conference) => {
      log.debug({ conference }, 'asks the homeserver for a grant');
      return home.grant(conference);
    },
    onPresence: (host, mayComeBack) => presence.changed(host, mayComeBack),
    onForgotten: (conference) => {
      examined.delete(conference);
      drain.look();
    },
    drainsUntil: () => drain.until,
    isAwaited: (conference) => presence.awaits(conference),
    onUplinkFailure: (error, peer) => {
      metrics.uplinkFailed(peer, error instanceof HawserError ? error.code : 'SIG_INTERNAL');
      log.warn({ code: codeOf(error), peer }, 'the anchor could not be joined');
    },
    onSignalDropped: (drop) => metrics.droppedSignal(drop),
    onFault,
    now,
  });

  const admit = async (peer: DomainName, conference: ConferenceId, grant: string) => {
    const claims = await checkGrant(grant, { issuer: domain, audience: `sft.${domain}`, key, now: now() }).catch(
      (error: unknown) => {
        log.warn({ peer, code: codeOf(error) }, 'refused a grant');
        throw new HawserError('SFT_LINK_GRANT_REFUSED', codeOf(error));
      },
    );
    if (claims.domain !== peer || claims.conference !== conference) {
      log.warn({ peer }, 'refused a grant of another domain or conference');
      throw new HawserError('SFT_LINK_GRANT_REFUSED');
    }
    return hosts.admit(claims);
  };
  const limitsOf = (peer: DomainName) => ({ ...sft.peerLimits, ...trust.peers.allowed(peer)?.limits });
  const ledger = new Ledger({
    limitsOf,
    now: () => performance.now(),
    events: {
      onShed: (peer, begun, ended) => {
        metrics.shed(peer, begun);
        log.info({ peer, begun: counted(begun), ended: counted(ended) }, 'what is left out of the trunk changed');
      },
      onSurplus: (peer, surplus) => log.warn({ peer, surplus }, 'participants or sources above the limit are left out'),
      onRefused: (peer, sources) => {
        metrics.refusedSources(peer, sources.length);
        log.warn({ peer, sources }, 'refused sources of which the peer sends more than it may');
      },
      onCut: (peer, code, backOffMs) => {
        metrics.cutLink(peer, code);
        log.warn({ peer, code, backOffMs }, 'cut off a peer that misbehaves');
      },
      onFault,
    },
  });
  stack.defer(() => ledger.close());
  const trunkPorts = new PortPool(sft.trunk.ports.from, sft.trunk.ports.to);
  const mayReach = (peer: DomainName, ip: string) => withinPrefixes(ip, trust.peers.allowed(peer)?.mediaPrefixes ?? []);
  const lostSides = new LostSides();
  /** It may have come by a new link before the old one was found to be dead. */
  const isMissed = (peer: DomainName, conference: ConferenceId) => {
    const host = hosts.get(conference);
    return host?.state.allowed.has(peer) === true && !host.side(peer) && trust.peers.allowed(peer) !== undefined;
  };
  const links = new Links({
    context: {
      hello: {
        versions: LINK_VERSIONS,
        domain,
        software: SOFTWARE,
        workers: workers.all.map(({ index }) => ({ index })),
      },
      trunks: {
        listenIp: sft.trunk.listenIp,
        announcedIp: sft.trunk.announcedIp,
        ports: trunkPorts,
        onFault,
      },
      rotation,
      workers: () => workers.all,
      mayReach,
      admit,
      admitConference: (peer, conference) => ledger.admitConference(peer, conference),
      roomFor: (peer, side) => ledger.roomFor(peer, side),
      onDropped: (link, conference) => hosts.dropped(link, conference),
      onStep: (peer, step, conference) => {
        if (step === 'let in' && conference) lostSides.letIn(peer, conference);
        log.debug({ peer, conference, step }, 'a step of a link');
      },
      onSignalDropped: (drop) => metrics.droppedSignal(drop),
      onFault,
    },
    admit: (peer) => ledger.admit(peer),
    dial: (peer, url) => dialSocket({ url, contract: SFT_LINK, agent: trust.dialler.agent(peer, 'sft') }),
    idleMs: linkIdleMs,
    onChange: (link, closing, conferences) => {
      const { peer, dialled } = link;
      if (closing) log.info({ peer, dialled, code: closing.code, detail: closing.detail }, 'a link ended');
      else log.info({ peer, dialled }, 'a link stands');
      if (closing) {
        if (metrics.linkEnded(peer, closing.code) && !dialled) lostSides.lost(peer, conferences, now());
        ledger.forget(link);
        hosts.linkClosed(link, closing);
      } else {
        metrics.linkStands(peer);
        ledger.follow(link);
      }
    },
  });
  hosts.useLinks(links);
  stack.defer(() => links.close());

  const home: Home = new Home({
    software: SOFTWARE,
    dial: () =>
      dialSocket({ url: sft.homeserver, contract: SFT_HOME, agent: trust.dialler.agent(domain, 'homeserver') }),
    hosts: () => hosts.all.filter(({ id }) => !examined.has(id)),
    drainsUntil: () => drain.until,
    onAllowed: (statement) => hosts.allow(statement),
    onPermissions: (statement) => hosts.permit(statement),
    onMute: (conference, participants) => hosts.get(conference)?.mute(participants),
    onEndConference: (conference) => hosts.end(conference),
    onRemoveParticipant: (conference, participant) => hosts.get(conference)?.client(participant)?.onEnd('SFT_REMOVED'),
    onState: (connected, error) => {
      if (connected) return log.info('connected to the homeserver');
      hosts.homeLost();
      log.warn({ code: codeOf(error) }, 'no connection to the homeserver; it is dialled again');
    },
    onFault,
    now,
  });
  stack.defer(() => home.close());
  stack.defer(() => hosts.close());

  const sessions = new Set<ClientSession>();
  const browserTls =
    sft.client.tls &&
    (await BrowserTls.open(sft.client.tls, {
      onTrouble: (sentence) => log.warn(sentence),
      onRenewed: (ends) => log.info({ ends: new Date(ends).toISOString() }, 'browsers are shown a new certificate'),
    }));
  stack.defer(() => browserTls?.close());
  const clientServer = createClientServer(browserTls);
  const clients = acceptSockets({
    server: clientServer,
    path: CLIENT_SFT_PATH,
    contract: CLIENT_SFT,
    maxConnections: sft.limits.connections,
    allow: (request) => originAllowed(request, sft.client.origins),
    onSocket: (socket) => {
      const session = new ClientSession(socket, {
        admit: (ticket, conference) => tickets.admit(ticket, conference),
        entrance: sft.media.entrance,
        open: (claims) => {
          if (claims.examination) examined.add(claims.conference);
          return openFor(claims, hosts, sft.limits);
        },
        onJoined: (host, stay) => {
          metrics.clientJoined(stay, now());
          hosts.connect(host);
        },
        onRefused: (code) => {
          metrics.refusedTicket(code);
          log.info({ code }, 'refused a join');
        },
        onPathLost: (protocol) => metrics.transportFailed(protocol),
        onStep: (step, seconds, who) => {
          metrics.joinStep(step, seconds);
          log.debug({ ...who, step, ms: Math.round(seconds * 1_000) }, 'a step of a join');
        },
        onClosed: (closed, closing) => {
          sessions.delete(closed);
          log.info({ code: closing.code, close: closing.close, detail: closing.detail }, 'a client connection ended');
          if (closing.code !== 'normal') metrics.closedConnection(closing.code);
          if (closed.stay) metrics.clientEnded(closed.stay, closing.code, now());
        },
        onFault,
      });
      sessions.add(session);
    },
  });
  await listen(clientServer, sft.client.listen, 'sft.client.listen');
  // Taken down in the reverse order: a server waits for its WebSockets, so that they are told and ended before it.
  stack.defer(() => stop(clientServer));
  stack.defer(() => clients.close());
  stack.defer(() => {
    for (const session of sessions) session.close('SFT_SHUTTING_DOWN');
  });
  // First: its clients come back when it does, and the homeserver is not to be told until then that they have left their calls.
  stack.defer(() => home.close());

  const door = createPeerServer({
    credentials: trust.credentials,
    peers: trust.peers,
    accepts: { own: [], peers: ['sft'] },
    onRefused: ({ code, domain: peer, wasOpen }) => {
      metrics.refusedLink(code);
      log.warn({ code, peer, wasOpen }, wasOpen ? 'ended a link that is no longer allowed' : 'refused a link');
    },
    requestListener: notFound,
    http: HTTP_LIMITS,
  });
  const linkDoor = acceptSockets({
    server: door,
    path: LINK_PATH,
    contract: SFT_LINK,
    maxConnections: sft.limits.links,
    onSocket: (socket, request) => links.accept(peerOf(request.socket).domain, socket),
  });
  const side = (): ProbeSide => ({
    ...{ domain, software: SOFTWARE, links: LINK_VERSIONS, now: now() },
    trunk: { ip: sft.trunk.announcedIp ?? sft.trunk.listenIp, ports: sft.trunk.ports },
  });
  const dialProbe = (peer: DomainName, link: string) =>
    dialSocket({ url: new URL(PROBE_PATH, link).href, contract: SFT_PROBE, agent: trust.dialler.agent(peer, 'sft') });
  const clock = () => performance.now();
  const probing = { side, listenIp: sft.trunk.listenIp, ports: trunkPorts, mayReach, now: clock };
  const probeDoor = new ProbeDoor({
    ...probing,
    mayCall: (peer) => trust.peers.allowed(peer)?.may.calls === true,
    dialBack: async (peer, link) => (await dialProbe(peer, link)).close(),
    onFault,
  });
  const probes = acceptSockets({
    server: door,
    path: PROBE_PATH,
    contract: SFT_PROBE,
    maxConnections: MAX_PROBES,
    onSocket: (socket, request) => probeDoor.accept(peerOf(request.socket).domain, socket),
  });
  await listen(door, sft.link.listen, 'sft.link.listen');
  stack.defer(() => stop(door));
  stack.defer(() => linkDoor.close());
  stack.defer(() => probes.close());
  stack.defer(() => probeDoor.close());

  const homeConnected = () => home.connected;
  metrics.observe({
    ...{ hosts, links, workers, ledger, drain, homeConnected, now },
    lostSides: () => lostSides.count(isMissed, now()),
    endings: () => serverEndings(trust.credentials.current, browserTls?.expires),
  });
  const admin = createAdminServer({
    ...{ metrics, hosts, links, workers, ledger, drain, logLevel, homeConnected },
    probe: (peer, link) => probe(peer, link, { ...probing, link: sft.link.url, dial: dialProbe, wallClock: now }),
  });
  await listen(admin, sft.admin.listen, 'sft.admin.listen');
  stack.defer(() => finish(admin));

  if (sft.media.entrance === 'plain')
    log.warn('clients come by plain RTP, without encryption: this is for load tests only');
  log.info({ domain, workers: workers.all.length, mode: sft.trunk.mode }, 'the SFT is ready');
  const drained = drain.over.then((why) => log.info(`drained: ${why}`));
  const started = stack.move();
  return {
    drain: (forMs) => {
      drain.begin(forMs);
      return drained;
    },
    drained,
    close: () => started.disposeAsync(),
  };
}

function openFor(claims: TicketClaims, hosts: Hosts, limits: Site['sft']['limits']) {
  const here = hosts.all.reduce((sum, host) => sum + host.participants.length, 0);
  if (here >= limits.participants) throw new HawserError('SFT_FULL', 'participants');
  const host = hosts.open(claims.conference, claims.anchor);
  if (host.roster.participants.length >= limits.participantsPerConference) {
    throw new HawserError('SFT_FULL', 'participants of this conference');
  }
  return host;
}

/** A page of a foreign origin must not use a ticket that it got hold of; clients that are no browsers send no Origin. */
function originAllowed(request: IncomingMessage, origins: readonly string[]): boolean {
  const { origin } = request.headers;
  return origin === undefined || origins.includes(origin);
}

const notFound: RequestListener = (_request, response) => {
  response.writeHead(404, { 'content-type': 'text/plain' });
  response.end(
    'This is the media server of a Hawser site; there is nothing to see here. Open the page of the homeserver.\n',
  );
};

function createClientServer(tls: BrowserTls | undefined): Server {
  if (!tls) return createHttpServer(HTTP_LIMITS, notFound);
  const server = createHttpsServer({ ...HTTP_LIMITS, ...tls.pair }, notFound);
  tls.follow(server);
  return server;
}

function listen(server: Server, address: string, option: string): Promise<void> {
  const { host, port } = hostAndPort(address);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${error.code})`;
      reject(new Error(`${address} ${why}. Change ${option}, or stop what uses it.`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The same after what is being answered: whoever asked for the end hears that it comes. */
function finish(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), LAST_ANSWER_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Which layers, short enough for a line of the log. */
function counted(layers: readonly LeftOutLayer[]) {
  const groups = Map.groupBy(layers, ({ direction, by, reason }) => `${direction} by ${by}: ${reason}`);
  return Object.fromEntries(
    [...groups].map(([group, members]) => [
      group,
      { count: members.length, layers: members.slice(0, 20).map(({ source, layer }) => `${source}/${layer}`) },
    ]),
  );
}

function codeOf(error: unknown): string | undefined {
  return error instanceof HawserError ? error.code : error instanceof Error ? error.message : undefined;
}
