/** The door for other servers: those of other domains, and the own SFT. What each route may ask of the homeserver is wired here. */
import { SFT_HOME, SFT_HOME_PATH } from '#signalling/sft-home.ts';
import { acceptSockets } from '#signalling/websocket.ts';
import { createPeerServer, knownPeer, peerOf } from '#trust/door.ts';
import { statedAuthority } from '../as/authorities.ts';
import type { DoorOptions } from '../doors.ts';
import { makeApp } from '../http/fastify.ts';
import { SOCKET_LIMITS } from '../http/limits.ts';
import { type Door, openDoor } from '../listen.ts';
import type { Parts } from '../main.ts';
import { federationRoutes, isRefusal, noteBody, noteRefusal, peerIn } from './door.ts';
import { feedRoutes } from './door-feed.ts';
import { fileRoutes } from './door-files.ts';
import { groupDoor } from './door-groups.ts';
import { keyDoor } from './door-keys.ts';
import { bodyLimitOf } from './door-limits.ts';
import { peopleDoorRoutes } from './door-people.ts';
import { submitRoutes } from './door-submit.ts';
import { reachRoute, whyUnreached } from './reach.ts';

/** @throws StartError */
export async function serveFederation({ site, log, world }: DoorOptions, parts: Parts): Promise<Door> {
  const { trust, metrics, people, searchPolicy, remoteLimits, hub, calls, outbox, acceptFrom, sft, assets } = parts;
  const { audit, peerAges, signingKeyOf } = parts;
  const { feeds, feedsTaken, submissions } = parts;
  const { groups, keyPackages, peerKeys, authorities, signer, signingKeys } = parts;
  const { domain } = site;
  const app = makeApp({
    log,
    world,
    bodyLimit: bodyLimitOf('unknown'),
    onRefusal: (code, request) => noteRefusal(request, code),
    onBody: noteBody,
    onNoRequest: (code, socket) => {
      const peer = knownPeer(socket)?.domain;
      // Whoever failed before is told of by trust/.
      if (peer === undefined) return;
      parts.noteRefusal(peer, code);
      audit.note({ kind: 'refusal', domain: peer, code });
    },
    serverFactory: (handler) =>
      createPeerServer({
        ...trust,
        accepts: { own: ['sft'], peers: ['homeserver'] },
        requestListener: handler,
        http: SOCKET_LIMITS,
        onRefused: ({ code, domain: claimed, wasOpen }) => {
          metrics.connectionsRefused.inc({ code });
          if (claimed !== undefined) parts.noteRefusal(claimed, code);
          log.warn({ code, claimed, wasOpen }, 'connection refused');
          audit.note({ kind: 'refusal', domain: claimed, code });
        },
      }),
  });
  federationRoutes(app, {
    domain,
    world,
    identify: (from, user) => people.identify(from, user, searchPolicy(from)),
    peer: parts.peerOf,
    peerSince: peerAges.since,
    signingKey: signingKeyOf,
    update: (from, conversation, operation) => hub.update(from, conversation, operation),
    told: (peer, statement) => parts.peerClient.told(peer, statement),
    accept: acceptFrom,
    grant: (from, conference, conversation) => calls.grantFor(from, conference, conversation),
    onHeard: (peer) => {
      outbox.retryNow(peer);
      feeds.retryNow(peer);
      submissions.retryNow(peer);
      peerKeys.heard(peer);
    },
    onSeen: (peer, endsAt) => parts.peersStatus.noteSeen(peer, endsAt),
    onRequest: (peer, call, result) => {
      metrics.federationIn.inc({ peer, call, result });
      log.debug({ peer, call, result }, 'another domain asked');
      if (result !== 'ok') parts.noteRefusal(peer, result);
      if (isRefusal(result)) audit.note({ kind: 'refusal', domain: peer, call, code: result });
    },
  });
  peopleDoorRoutes(app, {
    ...{ domain, peerIn, searchPolicy },
    limits: remoteLimits,
    hear: (from, statement) => people.connections.hear(from, statement),
    find: people.find,
  });
  reachRoute(app, {
    peerIn,
    whyUnreached: async (peer) => {
      const entry = trust.peers.allowed(peer);
      if (!entry) return 'FED_NOT_ALLOWED';
      return whyUnreached(peer, { ...trust, whereIs: () => parts.discovery.find(entry) });
    },
    may: (peer) => parts.peerOf(peer)?.may,
    link: site.sft.link.url,
    now: world.now,
  });
  feedRoutes(app, { domain, take: (peer, feed) => feedsTaken.take(peer, feed) });
  groupDoor(app, {
    domain,
    groups,
    removeDevice: (device) => groups.removeDevice(device),
    onGone: (peer) => void peerKeys.refresh(peer, true).catch(() => undefined),
    upTo: (peer) => feeds.upTo(peer),
  });
  keyDoor(app, {
    domain,
    keys: () => ({
      domain,
      signing: signingKeys.published,
      devices: statedAuthority(domain, authorities, signer.publicKey),
    }),
    claim: (user) => keyPackages.claim(user),
    limits: remoteLimits,
    peerIn,
    mayClaim: people.mayClaim,
  });
  fileRoutes(app, { domain, world, assets, mayFetch: (peer) => parts.peerOf(peer)?.may.messages === true });
  submitRoutes(app, {
    ...{ domain, groups, peerIn },
    onTaken: (peer, count) => parts.noteMessages(peer, 'in', count),
    onForeign: (peer) => audit.note({ kind: 'refusal', domain: peer, call: 'submit', code: 'FED_FOREIGN' }),
    onEquivocated: (peer) => parts.equivocated(peer, 'submit'),
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
  return openDoor(app, site.homeserver.federation.listen, 'homeserver.federation.listen');
}
