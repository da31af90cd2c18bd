/** The administrator's port: metrics, health, and the state of everything that lives. It belongs on loopback. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Compile } from 'typebox/compile';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { DomainName } from '#signalling/ids.ts';
import type { Ledger } from '../link/ledger.ts';
import type { Links } from '../link/links.ts';
import { unlessClosed } from '../media/unless-closed.ts';
import type { MediaWorkers } from '../media/worker.ts';
import type { Hosts } from './hosts.ts';
import type { Metrics } from './metrics.ts';

export interface AdminOptions {
  readonly metrics: Metrics;
  readonly hosts: Hosts;
  readonly links: Links;
  readonly workers: MediaWorkers;
  readonly ledger: Ledger;
  readonly homeConnected: () => boolean;
}

/** Longest body of a command. */
const MAX_BODY = 1_024;
const PEER = Compile(Closed({ peer: DomainName }));

export function createAdminServer(options: AdminOptions): Server {
  const routes: Record<string, () => Promise<{ type: string; body: string }>> = {
    '/metrics': async () => ({
      type: options.metrics.registry.contentType,
      body: await options.metrics.scrape(),
    }),
    '/health': async () => json({ ok: true, homeserver: options.homeConnected() }),
    '/state': async () => json(await stateOf(options)),
  };
  return createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    if (request.method === 'POST' && request.url === '/trunks/rotate') {
      rotateTrunks(options.links, request).then(
        (answer) => response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(answer)}\n`),
        (error: unknown) => {
          const known = error instanceof HawserError ? error : new HawserError('SIG_INTERNAL');
          response.writeHead(known.status, { 'content-type': 'application/json' });
          response.end(`${JSON.stringify({ code: known.code, message: known.message })}\n`);
        },
      );
      return;
    }
    const url = request.url ?? '';
    const host = options.hosts.all.find(({ id }) => url === `/conferences/${id}`);
    const detail = host && (async () => json({ conference: host.id, paths: await host.paths() }));
    const route = request.method === 'GET' ? (routes[url] ?? detail) : undefined;
    if (!route) {
      response.writeHead(404, { 'content-type': 'text/plain' });
      response.end(`There is ${[...Object.keys(routes), '/conferences/ID of one that is here'].join(', ')}.\n`);
      return;
    }
    route().then(
      ({ type, body }) => response.writeHead(200, { 'content-type': type }).end(body),
      () =>
        response.writeHead(500, { 'content-type': 'text/plain' }).end('The figures could not be read. Try again.\n'),
    );
  });
}

/** Everything that lives, for people who look for a fault: conferences, links, trunks and workers. No key is in it. */
export async function stateOf({ hosts, links, workers, ledger, homeConnected }: Omit<AdminOptions, 'metrics'>) {
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
    const { peer, dialled, rttMs, remote, conferences } = link;
    linkStates.push({ peer, dialled, rttMs, software: remote?.software, conferences, trunks });
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
 * Gives the trunks to a peer new keys and ports. Only JSON is taken, which no page of a browser can send here.
 * @throws HawserError SIG_SCHEMA, and what `Link.rotate` throws
 */
async function rotateTrunks(links: Links, request: IncomingMessage): Promise<{ rotated: number }> {
  if (request.headers['content-type'] !== 'application/json') throw new HawserError('SIG_SCHEMA', 'send JSON');
  let text = '';
  for await (const part of request.setEncoding('utf8')) {
    text += part;
    if (text.length > MAX_BODY) throw new HawserError('SIG_TOO_LARGE');
  }
  const wish = parsed(text);
  if (!PEER.Check(wish)) throw new HawserError('SIG_SCHEMA', 'peer');
  let rotated = 0;
  for (const link of await links.all()) if (link.peer === wish.peer) rotated += await link.rotate();
  return { rotated };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HawserError('SIG_MALFORMED');
  }
}

function json(value: unknown): { type: string; body: string } {
  return { type: 'application/json', body: `${JSON.stringify(value)}\n` };
}
