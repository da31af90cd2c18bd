/** The three doors of a homeserver: for its own people, for other servers, for its administrator. */

import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import fastifyCookie from '@fastify/cookie';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import { SFT_HOME, SFT_HOME_PATH } from '#signalling/sft-home.ts';
import { acceptSockets } from '#signalling/websocket.ts';
import type { Site } from '#site/schema.ts';
import { createPeerServer, peerOf } from '#trust/door.ts';
import { FEDERATION_BODY_LIMIT, federationRoutes, noteRefusal } from './federation/door.ts';
import { ADMIN_BODY_LIMIT, adminRoutes } from './http/admin.ts';
import { CLIENT_BODY_LIMIT, clientApi } from './http/client/api.ts';
import { type App, makeApp } from './http/fastify.ts';
import { securityHeaders } from './http/headers.ts';
import { SOCKET_LIMITS } from './http/limits.ts';
import { webRoutes } from './http/web.ts';
import { listen } from './listen.ts';
import type { Parts } from './main.ts';
import type { World } from './world.ts';

interface Options {
  readonly site: Site;
  readonly log: Logger;
  readonly world: World;
  readonly webRoot: string | undefined;
}

/** Node looks after its time limits only every 30 s by default. Without a Host the application refuses, since Node does so without a code. */
const CLIENT_SOCKETS = { ...SOCKET_LIMITS, connectionsCheckingInterval: 5_000, requireHostHeader: false };

export interface Door {
  readonly port: number;
  close(): Promise<void>;
}

export async function serveClients({ site, log, world, webRoot }: Options, parts: Parts): Promise<Door> {
  const {
    sessions,
    devices,
    keyPackages,
    authorities,
    conversations,
    groups,
    queues,
    people,
    calls,
    assets,
    events,
    metrics,
    account,
    peerClient,
  } = parts;
  const { listen: address, url, tls } = site.homeserver.client;
  const secure = tls && { cert: await readFile(tls.certificate), key: await readFile(tls.key) };
  const app = makeApp({
    log,
    world,
    bodyLimit: CLIENT_BODY_LIMIT,
    // A reverse proxy that ends TLS stands on this machine; nobody else is believed about an address.
    trustProxy: 'loopback',
    onRefusal: (code) => metrics.clientRefusals.inc({ code }),
    serverFactory: (handler) =>
      secure
        ? createHttpsServer({ ...CLIENT_SOCKETS, ...secure, minVersion: 'TLSv1.2' }, handler)
        : createHttpServer(CLIENT_SOCKETS, handler),
  });
  await app.register(fastifyCookie);
  await webRoutes(app, securityHeaders(site), webRoot);
  await app.register(async (scope: App) =>
    clientApi(scope, {
      domain: site.domain,
      world,
      origin: new URL(url).origin,
      sft: site.sft.client.url,
      sessions,
      devices,
      keyPackages,
      authorities,
      people,
      conversations,
      groups,
      queues,
      hubKey: parts.signer.publicKey,
      calls,
      assets,
      localPerson: account,
      remotePerson: ({ domain, handle }) => peerClient.identify(domain, handle),
      onTicket: () => metrics.ticketsIssued.inc(),
    }),
  );
  events.attach(app.server);
  return open(app, address, 'homeserver.client.listen');
}

export async function serveFederation({ site, log, world }: Options, parts: Parts): Promise<Door> {
  const { trust, metrics, account, hub, calls, outbox, acceptFrom, sft } = parts;
  const { domain } = site;
  const app = makeApp({
    log,
    world,
    bodyLimit: FEDERATION_BODY_LIMIT,
    onRefusal: (code, request) => noteRefusal(request, code),
    serverFactory: (handler) =>
      createPeerServer({
        ...trust,
        accepts: { own: ['sft'], peers: ['homeserver'] },
        requestListener: handler,
        http: SOCKET_LIMITS,
        onRefused: ({ code, domain: claimed, wasOpen }) => {
          metrics.connectionsRefused.inc({ code });
          log.warn({ code, claimed, wasOpen }, 'connection refused');
        },
      }),
  });
  federationRoutes(app, {
    domain,
    world,
    localPerson: account,
    isAllowed: (peer) => trust.peers.allowed(peer) !== undefined,
    update: (from, conversation, operation) => hub.update(from, conversation, operation),
    accept: acceptFrom,
    grant: (from, conference, conversation) => calls.grantFor(from, conference, conversation),
    onHeard: (peer) => outbox.retryNow(peer),
    onRequest: (peer, call, result) => metrics.federationIn.inc({ peer, call, result }),
  });
  const sockets = acceptSockets({
    server: app.server,
    path: SFT_HOME_PATH,
    contract: SFT_HOME,
    // One, and the next one while the old one is not known to be dead.
    maxConnections: 4,
    allow: ({ socket }) => {
      const peer = peerOf(socket);
      return peer.role === 'sft' && peer.domain === domain;
    },
    onSocket: (socket) => sft.accept(socket),
  });
  app.addHook('preClose', async () => sockets.close());
  return open(app, site.homeserver.federation.listen, 'homeserver.federation.listen');
}

export async function serveAdmin({ site, log, world }: Options, parts: Parts): Promise<Door> {
  const { store, people, metrics, sft } = parts;
  const app = makeApp({ log, world, bodyLimit: ADMIN_BODY_LIMIT, onRefusal: () => undefined });
  adminRoutes(app, {
    domain: site.domain,
    metrics,
    administration: people.administration,
    checkStore: async () => {
      await sql`select 1`.execute(store.db);
    },
    isSftConnected: () => sft.isConnected,
  });
  return open(app, site.homeserver.admin.listen, 'homeserver.admin.listen');
}

async function open(app: App, address: string, option: string): Promise<Door> {
  try {
    const port = await listen(app, address, option);
    return { port, close: () => app.close() };
  } catch (error) {
    await app.close();
    throw error;
  }
}
