/** Turns the allow list, which is stated whole, into who came and who went. */
import type { DomainName } from '#signalling/ids.ts';
import type { PeerList } from '#trust/peers.ts';

export interface PeerChanges {
  readonly onAllowed: (domain: DomainName) => void;
  readonly onGone: (domain: DomainName) => void;
}

/** Everybody who is on the list at the start is new too. Returns how to stop. */
export function followPeers(peers: Pick<PeerList, 'current' | 'onChange'>, changes: PeerChanges): () => void {
  let known: ReadonlySet<DomainName> = new Set();
  const look = () => {
    const allowed = new Set(
      [...peers.current.values()].filter(({ state }) => state === 'allowed').map(({ domain }) => domain),
    );
    const [gone, come] = [known.difference(allowed), allowed.difference(known)];
    known = allowed;
    for (const domain of gone) changes.onGone(domain);
    for (const domain of come) changes.onAllowed(domain);
  };
  look();
  return peers.onChange(look);
}
