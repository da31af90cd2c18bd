/** What an administrator changed on the allow list: from two readings of it to lines of the log. Pure. */
import { createHash } from 'node:crypto';
import type { DomainName } from '#signalling/ids.ts';
import type { Peer } from '#trust/identity.ts';
import type { PeerList } from '#trust/peers.ts';
import type { Auditor } from './audit.ts';
import type { AuditEvent } from './chain.ts';

type Peers = ReadonlyMap<DomainName, Peer>;

export function peerChanges(before: Peers, after: Peers): AuditEvent[] {
  const events: AuditEvent[] = [];
  for (const domain of before.keys()) {
    if (!after.has(domain)) events.push({ kind: 'removed', domain });
  }
  for (const [domain, peer] of after) {
    const old = before.get(domain);
    if (old?.state !== peer.state) events.push({ kind: peer.state, domain, detail: policyOf(peer) });
    else {
      const changed = optionsOf(peer).filter(([name, value]) => !optionsOf(old).some(same(name, value)));
      const detail = [changed.map(([name]) => name).join(' '), policyOf(peer)].join('; ');
      if (changed.length > 0) events.push({ kind: 'changed', domain, detail });
    }
  }
  return events;
}

/** What list a homeserver began with: changes made while it did not run show in it. */
function startOf(peers: Peers): AuditEvent {
  const entries = [...peers.values()]
    .map((peer) => [peer.domain, peer.state, optionsOf(peer)] as const)
    .toSorted(byName);
  const digest = createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 16);
  const allowed = entries.filter(([, state]) => state === 'allowed').length;
  return { kind: 'started', detail: `allow list ${digest}: ${allowed} allowed, ${entries.length - allowed} blocked` };
}

const byName = ([one]: readonly [string, ...unknown[]], [other]: readonly [string, ...unknown[]]) =>
  one < other ? -1 : 1;

const same =
  (name: string, value: string) =>
  ([otherName, otherValue]: readonly [string, string]) =>
    name === otherName && value === otherValue;

function optionsOf({ authority, homeserver, mediaPrefixes, limits, may, addresses }: Peer): [string, string][] {
  return [
    ['authority', (authority?.certificates ?? []).map(({ fingerprint256 }) => fingerprint256).join(' ')],
    ['homeserver', JSON.stringify(homeserver ?? null)],
    ['mediaPrefixes', mediaPrefixes.join(' ')],
    ['limits', JSON.stringify(limits)],
    ['may', JSON.stringify(may)],
    ['addresses', addresses],
  ];
}

function policyOf({ may: { messages, calls, search }, addresses }: Peer): string {
  return `messages ${yes(messages)}, calls ${yes(calls)}, search ${search}, addresses ${addresses}`;
}

const yes = (is: boolean) => (is ? 'yes' : 'no');

/** Notes what the list is at the start, and every change of it. Returns how to stop. */
export function auditPeers(peers: Pick<PeerList, 'current' | 'onChange'>, audit: Auditor): () => void {
  let before = peers.current;
  audit.note(startOf(before));
  return peers.onChange(() => {
    for (const event of peerChanges(before, peers.current)) audit.note(event);
    before = peers.current;
  });
}
