/** The doors of a homeserver for its own people and for its administrator. That for other servers is federation/serve.ts. */
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import fastifyCookie from '@fastify/cookie';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import { domainOf } from '#signalling/ids.ts';
import type { LogLevel } from '#site/log-level.ts';
import type { Site } from '#site/schema.ts';
import { auditRoutes } from './audit/routes.ts';
import { callRoutes } from './calls/routes.ts';
import { countCalls } from './ds/repository.ts';
import { directoryRoute } from './federation/directory.ts';
import { ADMIN_BODY_LIMIT, adminRoutes } from './http/admin.ts';
import { CLIENT_BODY_LIMIT, clientApi } from './http/client/api.ts';
import { organisationsOf } from './http/client/organisations.ts';
import { type App, makeApp } from './http/fastify.ts';
import { securityHeaders } from './http/headers.ts';
import { CLIENT_SOCKET_LIMITS, type ClientSocketLimits } from './http/limits.ts';
import { webRoutes } from './http/web.ts';
import { type Door, openDoor } from './listen.ts';
import type { Parts } from './main.ts';
import type { World } from './world.ts';

export interface DoorOptions {
  readonly site: Site;
  readonly log: Logger;
  readonly world: World;
  readonly webRoot: string | undefined;
  readonly onUntold: ((complaint: string) => void) | undefined;
  readonly clientSockets: Partial<ClientSocketLimits> | undefined;
}

export async function serveClients(options: DoorOptions, parts: Parts): Promise<Door> {
  const { site, log, world, webRoot, onUntold } = options;
  const limits = { ...CLIENT_SOCKET_LIMITS, ...options.clientSockets };
  const {
    sessions,
    devices,
    keyPackages,
    authorities,
    conversations,
    groups,
    office,
    peerKeys,
    queues,
    push,
    people,
    calls,
    relays,
    guests,
    assets,
    downloads,
    events,
    metrics,
    account,
    peerClient,
    trust,
    browserTls,
  } = parts;
  const { listen: address, url, proxies } = site.homeserver.client;
  const app = makeApp({
    log,
    world,
    bodyLimit: CLIENT_BODY_LIMIT,
    trustProxy: proxies,
    ...(onUntold && { onUntold }),
    onRefusal: (code) => metrics.clientRefusals.inc({ code }),
    serverFactory: (handler) => {
      if (!browserTls) return createHttpServer(limits, handler);
      const server = createHttpsServer({ ...limits, ...browserTls.pair }, handler);
      browserTls.follow(server);
      return server;
    },
  });
  await app.register(fastifyCookie);
  await webRoutes(app, securityHeaders(site), webRoot);
  directoryRoute(app, site.domain, site.homeserver.federation.address);
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
      office,
      send: parts.send,
      organisations: () => organisationsOf(trust.peers.current, (peer) => parts.contacts.away(peer)),
      queues,
      push,
      hubKey: parts.signer.publicKey,
      calls,
      relays,
      guests,
      assets,
      downloads,
      localPerson: account,
      remotePerson: ({ domain, handle }) => peerClient.identify(domain, handle),
      remotePeople: parts.remotePeople.search,
      claimFar: (by, user) => peerClient.keyMaterial(domainOf(user), { by, user }),
      authorityOf: async (domain) => (await peerKeys.newest(domain)).devices,
      onTicket: () => metrics.ticketsIssued.inc(),
      peersStatus: parts.peersStatus,
      allowList: parts.allowList,
      acceptKeys: parts.acceptKeys,
    }),
  );
  events.attach(app.server);
  return openDoor(app, address, 'homeserver.client.listen');
}

export async function serveAdmin({ site, log, world }: DoorOptions, parts: Parts, logLevel: LogLevel): Promise<Door> {
  const { store, people, metrics, sft, partings } = parts;
  const app = makeApp({ log, world, bodyLimit: ADMIN_BODY_LIMIT, onRefusal: () => undefined });
  adminRoutes(app, {
    domain: site.domain,
    metrics,
    administration: people.administration,
    peersStatus: parts.peersStatus,
    acceptKeys: parts.acceptKeys,
    checkStore: async () => {
      await sql`select 1`.execute(store.db);
    },
    isSftConnected: () => sft.isConnected,
    partings: () => partings.state(),
    logLevel,
    load: async () => ({ calls: await countCalls(store.db), eventConnections: parts.events.connections }),
  });
  auditRoutes(app, parts.audit);
  callRoutes(app, parts.supervision);
  return openDoor(app, site.homeserver.admin.listen, 'homeserver.admin.listen');
}
