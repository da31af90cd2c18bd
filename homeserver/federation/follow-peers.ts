/** Turns the allow list, which is stated whole, into who came and who went. */
import type { DomainName } from '#signalling/ids.ts';
import type { PeerList } from '#trust/peers.ts';
import type { PeerScopes } from '#trust/peers-schema.ts';

export interface PeerChanges {
  readonly onAllowed: (domain: DomainName) => void;
  /** Allowed before, and may do more now: messages or calls, which both sides were kept from. */
  readonly onWidened: (domain: DomainName) => void;
  readonly onGone: (domain: DomainName) => void;
}

/** Everybody who is on the list at the start is new too. Returns how to stop. */
export function followPeers(peers: Pick<PeerList, 'current' | 'onChange'>, changes: PeerChanges): () => void {
  let known: ReadonlyMap<DomainName, PeerScopes> = new Map();
  const look = () => {
    const before = known;
    const entries = [...peers.current.values()].filter(({ state }) => state === 'allowed');
    known = new Map(entries.map(({ domain, may }) => [domain, may]));
    for (const domain of before.keys()) if (!known.has(domain)) changes.onGone(domain);
    for (const [domain, may] of known) {
      const could = before.get(domain);
      if (!could) changes.onAllowed(domain);
      else if (isWider(may, could)) changes.onWidened(domain);
    }
  };
  look();
  return peers.onChange(look);
}

/** What may be searched is left out: nothing waits for it. */
function isWider(may: PeerScopes, could: PeerScopes): boolean {
  return (may.messages && !could.messages) || (may.calls && !could.calls);
}
