/**
 * The other domains in a conference that this SFT anchors. A domain comes in by its grant. From the first word of the own
 * homeserver on, that word alone says who may be in and with whom: it knows of a change at once, and it is the authority
 * that signs the grants, so that no grant has to be renewed and no peer's good will is needed to take one back.
 */
import type { DomainName } from '#signalling/ids.ts';
import type { Allowed } from '#signalling/sft-home.ts';
import type { Conference } from '../conference/conference.ts';

/** What `setTimeout` can wait, ms. */
const LONGEST_MS = 2 ** 31 - 1;

export class Guests {
  readonly #conference: Conference;
  readonly #onEnd: (domain: DomainName) => void;
  readonly #ends = new Map<DomainName, ReturnType<typeof setTimeout>>();
  #isStated = false;

  /** @param onEnd told of each domain that may no longer be in the conference, whether it has joined or not */
  constructor(conference: Conference, onEnd: (domain: DomainName) => void) {
    this.#conference = conference;
    this.#onEnd = onEnd;
  }

  /**
   * Lets a domain in by a grant that was checked. Until the homeserver speaks it holds for as long as the grant lives.
   * @param forMs what is left of the grant's life
   */
  admit(domain: DomainName, domains: readonly DomainName[], forMs: number): void {
    if (this.#isStated) return;
    this.#conference.allowed.set(domain, new Set(domains));
    clearTimeout(this.#ends.get(domain));
    this.#ends.set(
      domain,
      setTimeout(() => this.#end(domain), Math.min(forMs, LONGEST_MS)),
    );
  }

  /** What the homeserver says, whole. */
  state({ domains }: Pick<Allowed, 'domains'>): void {
    this.#isStated = true;
    this.close();
    const { allowed } = this.#conference;
    const named = new Set(domains.map(({ domain }) => domain));
    for (const entry of domains) allowed.set(entry.domain, new Set(entry.domains));
    for (const domain of [...allowed.keys()]) if (!named.has(domain)) this.#end(domain);
  }

  close(): void {
    for (const timer of this.#ends.values()) clearTimeout(timer);
    this.#ends.clear();
  }

  #end(domain: DomainName): void {
    this.#ends.delete(domain);
    this.#conference.allowed.delete(domain);
    this.#onEnd(domain);
  }
}
