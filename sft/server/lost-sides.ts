/**
 * Conferences anchored here that the SFT of another domain was in when its link broke, until it is let in again or they are over. The other
 * side knows whether its people still want in; the anchor knows only this. Pure; times passed in, ms.
 */
import type { ConferenceId, DomainName } from '#signalling/ids.ts';

/** From then on it is taken for given up, ms: people do not wait for so long. */
export const GIVEN_UP_MS = 60 * 60_000;

export class LostSides {
  readonly #lost = new Map<DomainName, Map<ConferenceId, number>>();

  lost(peer: DomainName, conferences: readonly ConferenceId[], now: number): void {
    const known = this.#lost.get(peer) ?? new Map<ConferenceId, number>();
    for (const conference of conferences) known.set(conference, now);
    if (known.size > 0) this.#lost.set(peer, known);
  }

  letIn(peer: DomainName, conference: ConferenceId): void {
    this.#lost.get(peer)?.delete(conference);
  }

  /** How many of each domain are lost now. @param isWanted whether the conference goes on, and the domain may be in it */
  count(
    isWanted: (peer: DomainName, conference: ConferenceId) => boolean,
    now: number,
  ): ReadonlyMap<DomainName, number> {
    for (const [peer, known] of this.#lost) {
      for (const [conference, at] of known)
        if (now - at >= GIVEN_UP_MS || !isWanted(peer, conference)) known.delete(conference);
      if (known.size === 0) this.#lost.delete(peer);
    }
    return new Map([...this.#lost].map(([peer, known]) => [peer, known.size]));
  }
}
