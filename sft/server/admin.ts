/** The administrator's port: metrics, health, and the state of everything that lives. It belongs on loopback. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { DomainName } from '#signalling/ids.ts';
import type { ProbeReport } from '#signalling/probe.ts';
import { type LogLevel, LogLevelWish } from '#site/log-level.ts';
import { processFigures } from '#site/process-figures.ts';
import type { Ledger } from '../link/ledger.ts';
import type { Links } from '../link/links.ts';
import { unlessClosed } from '../media/unless-closed.ts';
import type { MediaWorkers } from '../media/worker.ts';
import { errnoOf } from '../probe/errno.ts';
import type { Drain } from './drain.ts';
import type { Hosts } from './hosts.ts';
import type { Metrics } from './metrics.ts';

export interface AdminOptions {
  readonly metrics: Metrics;
  readonly hosts: Hosts;
  readonly links: Links;
  readonly workers: MediaWorkers;
  readonly ledger: Ledger;
  readonly drain: Drain;
  readonly logLevel: LogLevel;
  readonly homeConnected: () => boolean;
  /** Tries the way to the SFT of a domain, whose link door is at a URL. @throws HawserError */
  readonly probe: (peer: DomainName, link: string) => Promise<ProbeReport>;
}

/** Longest body of a command. */
const MAX_BODY = 1_024;
const PEER = Compile(Closed({ peer: DomainName }));
const PROBE = Compile(Closed({ peer: DomainName, link: Type.String({ maxLength: 300, pattern: '^wss://' }) }));
const LEVEL = Compile(LogLevelWish);
const MINUTES = Compile(Closed({ minutes: Type.Integer({ minimum: 0, maximum: 1_440 }) }));

interface Answer {
  readonly status?: number;
  readonly type: string;
  readonly body: string;
}

export function createAdminServer(options: AdminOptions): Server {
  const reading: Record<string, () => Promise<Answer>> = {
    '/metrics': async () => ({
      type: options.metrics.registry.contentType,
      body: await options.metrics.scrape(),
    }),
    '/health': async () => json(healthOf(options)),
    // Whoever shares out new work goes elsewhere while it drains; /health says that it lives.
    '/ready': async () => json(healthOf(options), options.drain.until === undefined ? 200 : 503),
    '/state': async () => json(await stateOf(options)),
    '/log-level': async () => json(options.logLevel.state),
  };
  const acts: Record<string, (body: unknown) => Promise<object>> = {
    'POST /trunks/rotate': (body) => rotateTrunks(options.links, body),
    'POST /drain': async (body) => beginToDrain(options, body),
    'POST /probe': async (body) => probePeer(options, body),
    'PUT /log-level': async (body) => changeLevel(options.logLevel, body),
  };
  return createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    const send = ({ status = 200, type, body }: Answer) =>
      response.writeHead(status, { 'content-type': type }).end(body);
    const url = request.url ?? '';
    const act = acts[`${request.method} ${url}`];
    if (act) {
      bodyOf(request)
        .then(act)
        .then((answer) => json(answer))
        .catch((error: unknown) => {
          const known = error instanceof HawserError ? error : new HawserError('SIG_INTERNAL');
          const errno = errnoOf(error);
          return json({ code: known.code, message: known.message, ...(errno && { errno }) }, known.status);
        })
        .then(send);
      return;
    }
    const host = options.hosts.all.find(({ id }) => url === `/conferences/${id}`);
    const detail = host && (async () => json({ conference: host.id, paths: await host.paths() }));
    const route = request.method === 'GET' ? (reading[url] ?? detail) : undefined;
    if (!route) {
      const there = [...Object.keys(reading), '/conferences/ID of one that is here'];
      send({ status: 404, type: 'text/plain', body: `There is ${there.join(', ')}.\n` });
      return;
    }
    route().then(send, () =>
      send({ status: 500, type: 'text/plain', body: 'The figures could not be read. Try again.\n' }),
    );
  });
}

function healthOf({ homeConnected, drain: { until } }: Pick<AdminOptions, 'homeConnected' | 'drain'>) {
  return { ok: true, homeserver: homeConnected(), draining: until !== undefined, ...(until && { until }) };
}

/** Everything that lives, for people who look for a fault: conferences, links, trunks and workers. No key is in it. */
export async function stateOf({
  hosts,
  links,
  workers,
  ledger,
  drain,
  homeConnected,
}: Omit<AdminOptions, 'metrics' | 'logLevel' | 'probe'>) {
  const linkStates = [];
  for (const link of await links.all()) {
    const trunks = [];
    for (const trunk of await link.trunks()) {
      const bytes = await unlessClosed(trunk, () => trunk.bytes());
      if (!bytes) continue;
      const { sent, received } = bytes;
      trunks.push({
        trunk: trunk.id,
        worker: trunk.worker.index,
        address: trunk.address,
        sent,
        received,
        streamsUsed: trunk.streamsUsed,
        streams: await trunk.streams(),
      });
    }
    const { peer, dialled, rttMs, silentForMs, remote, conferences } = link;
    linkStates.push({ peer, dialled, rttMs, silentForMs, software: remote?.software, conferences, trunks });
  }
  const workerStates = await Promise.all(
    workers.all.map(async ({ index, worker, router }) => {
      const [dump, usage] = await Promise.all([router.dump(), worker.getResourceUsage()]);
      return {
        worker: index,
        pid: worker.pid,
        transports: dump.transportIds.length,
        rtpObservers: dump.rtpObserverIds.length,
        producers: dump.mapProducerIdConsumerIds.length,
        cpuMs: usage.ru_utime + usage.ru_stime,
      };
    }),
  );
  return {
    homeserver: homeConnected(),
    ...(drain.until !== undefined && { drainsUntil: drain.until }),
    process: await processFigures(),
    conferences: hosts.all.map((host) => ({
      conference: host.id,
      anchor: host.state.anchor,
      since: host.since,
      worker: host.worker.index,
      roster: host.roster.participants,
      voices: host.voices && [...host.voices],
      publishing: host.publishing,
      sides: [...host.state.sides.values()].map(({ peer, participants, sources, demand }) => ({
        peer,
        participants: participants.size,
        sources: sources.size,
        demand: Object.fromEntries(demand),
      })),
    })),
    links: linkStates,
    peers: ledger.state,
    workers: workerStates,
  };
}

/**
 * Gives the trunks to a peer new keys and ports.
 * @throws HawserError SIG_SCHEMA, and what `Link.rotate` throws
 */
async function rotateTrunks(links: Links, wish: unknown): Promise<{ rotated: number }> {
  if (!PEER.Check(wish)) throw new HawserError('SIG_SCHEMA', 'peer');
  let rotated = 0;
  for (const link of await links.all()) if (link.peer === wish.peer) rotated += await link.rotate();
  return { rotated };
}

async function probePeer({ probe }: Pick<AdminOptions, 'probe'>, wish: unknown): Promise<ProbeReport> {
  if (!PROBE.Check(wish)) throw new HawserError('SIG_SCHEMA', 'peer, link');
  return probe(wish.peer, wish.link);
}

/** @throws HawserError SIG_SCHEMA */
function beginToDrain({ drain, hosts }: Pick<AdminOptions, 'drain' | 'hosts'>, wish: unknown) {
  if (!MINUTES.Check(wish)) throw new HawserError('SIG_SCHEMA', 'minutes');
  const participants = hosts.all.reduce((sum, host) => sum + host.participants.length, 0);
  const conferences = hosts.all.length;
  drain.begin(wish.minutes * 60_000);
  return { until: drain.until, conferences, participants };
}

/** @throws HawserError SIG_SCHEMA */
function changeLevel(logLevel: LogLevel, wish: unknown) {
  if (!LEVEL.Check(wish)) throw new HawserError('SIG_SCHEMA', 'level');
  return logLevel.set(wish);
}

/**
 * Only JSON is taken, which no page of a browser can send here; nor under a name of its own that leads here.
 * @throws HawserError SIG_SCHEMA, SIG_TOO_LARGE, SIG_MALFORMED
 */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const { origin, host = '' } = request.headers;
  const isPage = origin !== undefined || !/^(localhost|[0-9.]+|\[[0-9a-f:.]+\])(:\d+)?$/i.test(host);
  if (isPage) throw new HawserError('SIG_SCHEMA', 'no page of a browser asks here, and nobody by a name');
  if (request.headers['content-type'] !== 'application/json') throw new HawserError('SIG_SCHEMA', 'send JSON');
  let text = '';
  for await (const part of request.setEncoding('utf8')) {
    text += part;
    if (text.length > MAX_BODY) throw new HawserError('SIG_TOO_LARGE');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new HawserError('SIG_MALFORMED');
  }
}

function json(value: unknown, status = 200): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}
