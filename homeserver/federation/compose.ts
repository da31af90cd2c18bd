/**
 * Composition of what other domains are told, asked and allowed. What belongs to our own people and their conversations is composed in
 * main.ts; both need each other, so that each asks for the other only when something happens.
 */
import type { Logger } from 'pino';
import type { ErrorCode } from '#signalling/errors.ts';
import type { FederationCall } from '#signalling/federation.ts';
import { type DeviceId, type DomainName, domainOf, userOfDevice } from '#signalling/ids.ts';
import type { Site } from '#site/schema.ts';
import type { Peer } from '#trust/identity.ts';
import type { Trust } from '#trust/trust.ts';
import type { Connections } from '../as/connections.ts';
import type { SearchPolicy } from '../as/directory.ts';
import type { Assets } from '../assets/assets.ts';
import type { Audit } from '../audit/audit.ts';
import { statePresence } from '../calls/attendance.ts';
import type { Change } from '../ds/changes.ts';
import type { Departures } from '../ds/departures.ts';
import { accept } from '../ds/follower.ts';
import type { Groups } from '../ds/groups.ts';
import type { Journal } from '../ds/journal.ts';
import { conversationOf, hubsOf, load } from '../ds/repository.ts';
import { guestsGone, usersGone } from '../ds/telling.ts';
import { type Events, organisationEvent } from '../http/events.ts';
import type { Metrics } from '../metrics.ts';
import type { Queues } from '../qs/queues.ts';
import type { Store } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';
import { AllowList } from './allow-list.ts';
import { beginReading } from './beginnings.ts';
import { Contacts } from './contact.ts';
import { Discovery, type DiscoveryOptions } from './discovery.ts';
import { resolverOf } from './dns.ts';
import { Downloads } from './downloads.ts';
import { searchOf, withoutBarredCall } from './judge.ts';
import { RemoteLimits } from './limits.ts';
import type { OpenFederation } from './open.ts';
import { Outbox } from './outbox.ts';
import { enqueueGoneDevice, waitingByDomain } from './outbox-table.ts';
import { Partings } from './partings.ts';
import { PeerClient, type PeerNetwork } from './peer-client.ts';
import type { PeerKeys } from './peer-keys.ts';
import { peerMetrics } from './peer-metrics.ts';
import { Relay } from './relay.ts';
import { remotePeople } from './remote-people.ts';
import { PeersStatus } from './status.ts';
import { Submissions } from './submissions.ts';

export interface FederationOptions extends OpenFederation {
  readonly site: Site;
  readonly log: Logger;
  readonly world: World;
  readonly store: Store;
  readonly writer: Writer;
  readonly trust: Trust;
  readonly audit: Audit;
  readonly metrics: Metrics;
  readonly journal: Journal;
  readonly queues: Queues;
  readonly peerKeys: PeerKeys;
  /** For tests: web servers of domains that are none. */
  readonly discoveryWeb: DiscoveryOptions['web'];
  /** For tests: a network between homeservers that repeats and loses. */
  readonly peerNetwork: PeerNetwork | undefined;
  /** What is composed after this. Asked for when something happens, never while this is made. */
  readonly home: () => Home;
  readonly onFault: (error: unknown) => void;
}

/** What federation needs of the rest of the homeserver. */
export interface Home {
  readonly people: { readonly connections: Pick<Connections, 'tell' | 'retell'> };
  readonly groups: Pick<Groups, 'proposeGone'>;
  readonly departures: Pick<Departures, 'tell'>;
  readonly events: Pick<Events, 'tellAll'>;
  readonly assets: Pick<Assets, 'refusalOf'>;
}

export type Federation = ReturnType<typeof makeFederation>;

export function makeFederation(options: FederationOptions) {
  const { site, log, world, store, writer, trust, audit, metrics, journal, queues, home, onFault } = options;
  const { feeds, feedsTaken, signingKeys, peerAges, peerKeys, partingWith, discoveryWeb, peerNetwork } = options;
  const { domain } = site;
  const { db } = store;
  const contacts: Contacts = new Contacts({
    world,
    probe: (peer) => peerClient.greetAnew(peer),
    allowed: () => [...trust.peers.current.keys()].filter(isAllowed),
    onChange: (peer, away) => home().events.tellAll(organisationEvent(peer, away)),
    onTurn: (peer, code) => audit.note({ kind: code ? 'unreachable' : 'reachable', domain: peer, code }),
  });
  const discovery = new Discovery({
    names: resolverOf(site.homeserver.federation.resolvers ?? []),
    world,
    ...(discoveryWeb && { web: discoveryWeb }),
    onRefused: (peer) => audit.note({ kind: 'refusal', domain: peer, code: 'FED_ADDRESS' }),
  });
  /** As on the allow list; whoever is being parted from is on none until that has ended. */
  const peerOf = (peer: DomainName): Peer | undefined =>
    partings.isUnderWay(peer) ? undefined : trust.peers.current.get(peer);
  const allowed = (peer: DomainName): Peer | undefined =>
    partings.isUnderWay(peer) ? undefined : trust.peers.allowed(peer);
  const isAllowed = (peer: DomainName): boolean => allowed(peer) !== undefined;
  const peerClient = new PeerClient({
    dialler: trust.dialler,
    peers: { allowed },
    domain,
    whereIs: (peer) => discovery.find(peer),
    signer: () => signingKeys.signer,
    now: world.now,
    onRequest: (peer, call, result) => {
      metrics.federationOut.inc({ peer, call, result });
      log.debug({ peer, call, result }, 'asked another domain');
      contacts.note(peer, result);
    },
    onUntrue: (peer, call, code) => audit.note({ kind: 'dropped', domain: peer, call, code }),
    ...(peerNetwork && { network: peerNetwork }),
  });
  const searchPolicy = (other: DomainName): SearchPolicy => searchOf(trust.peers.current.get(other));
  const remoteLimits = new RemoteLimits({
    now: world.now,
    ageOf: (other) => world.now() - (peerAges.since(other) ?? world.now()),
  });
  const peersStatus = new PeersStatus({
    domain,
    now: world.now,
    peers: trust.peers,
    version: (peer) => peerClient.versionWith(peer),
    waiting: [() => waitingByDomain(db), () => feeds.waiting(), () => submissions.waiting()],
    parting: () => partings.underWay,
    partings: () => partings.state(),
    waitingKeys: peerKeys.waitingFingerprints,
    contacts,
  });
  const allowList = new AllowList({
    domain,
    path: site.peers,
    peers: trust.peers,
    audit: { note: (act) => log.info({ ...act }, 'an administrator changed the allow list') },
  });
  const perPeer = peerMetrics(metrics.registry, peersStatus, () => trust.peers.current);
  const noteRefusal = (peer: DomainName, code: ErrorCode): void => {
    peersStatus.traffic.noteRefusal(peer, code);
    perPeer.refused(peer, code);
  };
  const noteMessages = (peer: DomainName, way: 'in' | 'out', count: number): void => {
    peersStatus.traffic.noteMessage(peer, way, count);
    perPeer.messages(peer, way, count);
  };
  const relay = new Relay({
    hubs: peerClient,
    beginReading: (...about) => beginReading({ store, queues }, ...about),
    knows: async (conversation) => (await load(db, conversation)) !== undefined,
    reached: (hub, position, ms) => feedsTaken.reached(hub, position, ms),
    world,
  });
  const equivocated = (peer: DomainName, call: FederationCall): void => {
    log.warn({ peer, call, code: 'FED_EQUIVOCATED' }, 'another domain said two different things in one place');
    audit.note({ kind: 'equivocation', domain: peer, call, code: 'FED_EQUIVOCATED' });
  };
  const mayCall = (anchor: DomainName) => trust.peers.current.get(anchor)?.may.calls ?? true;
  const acceptFrom = (from: DomainName, statement: Parameters<typeof accept>[3]) =>
    accept(journal, domain, from, withoutBarredCall(statement, mayCall), () => equivocated(from, 'notify'));
  const outbox: Outbox = new Outbox({
    db,
    world,
    deliver: {
      conversation: async (to, subject) => {
        const state = await load(db, subject);
        if (state) await peerClient.notify(to, state);
      },
      departure: async (_, subject) => {
        await partings.tell(subject);
        await home().departures.tell(subject);
      },
      consent: (to, subject) => home().people.connections.tell(to, subject),
      presence: async (to, subject) => {
        const conversation = await conversationOf(db, subject);
        const presence = await statePresence(db, domain, subject);
        if (conversation && presence) await acceptFrom(to, await peerClient.update(to, conversation, presence));
      },
      device: (to, subject) => peerClient.goneDevices(to, [subject]),
    },
    onGivenUp: (peer, kind, code) => {
      metrics.outboxGivenUp.inc({ peer, code });
      log.warn({ peer, kind, code }, 'another domain refused for good');
    },
    onFault,
  });
  /** Durable before the queue of the device goes: until then it is done again after a crash. */
  const tellGone = async (device: DeviceId): Promise<void> => {
    // Where the person is, and where the device still is though the person is out by now.
    const known = [...(await hubsOf(db, userOfDevice(device))), ...(await queues.hubsOf(device))];
    const hubs = [...new Set(known)].filter((hub) => hub !== domain);
    await store.transaction((tx) => enqueueGoneDevice(tx, hubs, device, world.now()));
    for (const hub of hubs) outbox.wake(hub);
  };
  const submissions = new Submissions({
    ...{ store, writer, queues, world, onFault },
    isAllowed,
    submit: (...messages) => peerClient.submit(...messages),
    onArrived: (peer, count) => noteMessages(peer, 'out', count),
    onRefused: (peer, code) => log.warn({ peer, code }, 'another domain refused a message for good'),
    onEquivocated: (peer) => equivocated(peer, 'feed'),
  });
  const partings: Partings = new Partings(
    {
      ...{ store, world, domain, journal, queues, onFault },
      proposeGone: (conversation) => home().groups.proposeGone(conversation),
      updateAtHub: (...update) => peerClient.update(...update),
      isListed: (other) => trust.peers.allowed(other) !== undefined,
      forgetful: [submissions, feeds, feedsTaken],
      onAllowed: (other) => greet(other),
      wakeOutbox: (to) => outbox.wake(to),
    },
    partingWith,
  );
  /** Goes on with what waits for a domain, tells it that we are back, and leaves a warm connection. */
  const greet = (other: DomainName): void => {
    outbox.retryNow(other);
    feeds.retryNow(other);
    submissions.retryNow(other);
    home().people.connections.retell(other).catch(onFault);
    peerClient.greetAnew(other).catch(() => undefined);
    peerKeys.refresh(other, true).catch(() => undefined);
  };
  const acceptKeys = async (other: DomainName, fingerprints: readonly string[]): Promise<void> => {
    await peerKeys.accept(other, fingerprints);
    greet(other);
  };
  const downloads = new Downloads({
    peers: peerClient,
    refusalOf: (info) => home().assets.refusalOf(info),
    onRequest: (peer, call, result) => metrics.federationOut.inc({ peer, call, result }),
  });
  const wakeFollowers = ({ before, after }: Change): void => {
    if (domainOf(after.conversation) !== domain) return;
    for (const member of [...(before?.members ?? []), ...after.members]) {
      if (member.domain !== domain) outbox.wake(member.domain);
    }
  };
  const noteCall = ({ before, after }: Change): void => {
    if (!after.call || before?.call?.conference === after.call.conference) return;
    const domains = new Set(after.members.map((member) => member.domain));
    domains.delete(domain);
    for (const other of domains) {
      peersStatus.traffic.noteCall(other);
      perPeer.call(other);
    }
  };
  return {
    ...{ feeds, feedsTaken, signingKeys, peerAges, peerKeys },
    ...{ contacts, discovery, peerClient, peersStatus, allowList, relay, outbox, submissions, partings, downloads },
    ...{
      peerOf,
      isAllowed,
      searchPolicy,
      remoteLimits,
      noteRefusal,
      noteMessages,
      acceptFrom,
      acceptKeys,
      equivocated,
      tellGone,
      greet,
    },
    remotePeople: remotePeople(peerClient),
    // Nobody's requests of version 2 are taken as long as nobody's keys are known.
    signingKeyOf: (other: DomainName, id: string) => peerKeys.signingKey(other, id),
    /** To be subscribed to the journal, after everything that tells our own people. */
    changed: (change: Change): void => {
      wakeFollowers(change);
      noteCall(change);
      const { conversation } = change.after;
      if (domainOf(conversation) !== domain)
        feedsTaken.noteGone(conversation, [...usersGone(change), ...guestsGone(change)]);
    },
  };
}
