/** The background work of a homeserver: what is done now and then, at its start, and when the allow list changes. */
import type { DomainName } from '#signalling/ids.ts';
import { auditPeers } from './audit/peer-changes.ts';
import { endCallsOf } from './ds/follower.ts';
import { domainsInCalls } from './ds/repository.ts';
import { followPeers } from './federation/follow-peers.ts';
import type { Parts } from './main.ts';
import { every } from './timers.ts';

/** Returns how to stop it. What is under way then is ended by whoever does it. */
export function startWork(parts: Parts): () => void {
  const {
    domain,
    store,
    journal,
    trust,
    hub,
    greet,
    partings,
    outbox,
    submissions,
    contacts,
    grants,
    sessions,
    keyPackages,
    authorities,
    groups,
    queues,
    feeds,
    push,
  } = parts;
  const { audit, signingKeys, peerAges, discovery } = parts;
  const { mail, people, devices, departures, names, guests, assets, sft, signInAlerts, onFault } = parts;
  // What a process that ended, or a database that was away, left undone.
  const repair = async () => {
    await devices.finishRemovals(await queues.devices());
    await departures.sweep();
    await names.sweep();
    await guests.sweep();
    for (const other of await domainsInCalls(store.db)) {
      if (other !== domain && !trust.peers.allowed(other)) await dropDomain(other);
    }
  };
  const dropDomain = async (other: DomainName) => {
    grants.forgetFrom(other);
    await hub.drop(other);
    await endCallsOf(journal, store.db, other);
  };
  const stops = [
    trust.peers.onChange(() => parts.peersStatus.listChanged()),
    every(1_000, () => sft.sweep(), onFault),
    every(1_000, async () => audit.sweep(), onFault),
    every(3_600_000, () => signingKeys.sweep(), onFault),
    every(5_000, () => hub.sweep(), onFault),
    every(5_000, () => groups.sweepCalls(), onFault),
    every(10_000, () => queues.sweep(), onFault),
    every(60_000, () => feeds.sweep(), onFault),
    every(5_000, () => submissions.sweep(), onFault),
    every(30_000, async () => contacts.sweep(), onFault),
    every(1_000, async () => push.sweep(), onFault),
    every(600_000, () => groups.sweep(), onFault),
    every(3_600_000, () => sessions.sweep(), onFault),
    every(3_600_000, () => keyPackages.sweep(), onFault),
    every(600_000, () => authorities.sweep(), onFault),
    every(600_000, () => people.sweep(), onFault),
    every(600_000, repair, onFault),
    every(30_000, () => guests.sweep(), onFault),
    every(1_000, async () => mail?.wake(), onFault),
    every(60_000, () => signInAlerts.sweep(), onFault),
    every(30_000, () => partings.sweep(), onFault),
    every(60_000, () => assets.sweep(), onFault),
    every(24 * 3_600_000, () => assets.sweepOrphans(), onFault),
    auditPeers(trust.peers, audit),
    followPeers(trust.peers, {
      onGone: (other) => {
        peerAges.end(other).catch(onFault);
        discovery.forget(other);
        contacts.forget(other);
        // What is to be heard and seen ends at once, the rest when its turn comes.
        dropDomain(other).catch(onFault);
        partings.begin(other);
      },
      onAllowed: (other) => {
        peerAges.begin(other).catch(onFault);
        greet(other);
        partings.welcome(other);
      },
      onWidened: greet,
    }),
  ];
  const allowed = [...trust.peers.current.values()].filter(({ state }) => state === 'allowed');
  peerAges.keepOnly(new Set(allowed.map(({ domain: other }) => other))).catch(onFault);
  outbox.start().catch(onFault);
  feeds.start();
  mail?.wake();
  repair().catch(onFault);
  partings.start().catch(onFault);
  return () => {
    for (const stop of stops) stop();
  };
}
