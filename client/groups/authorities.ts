/**
 * What speaks for the devices of each domain, fetched through the own homeserver and kept: certificates are checked against
 * it at once, without asking anybody.
 */

import type { Authority } from '#mls/credentials.ts';
import type { Hub } from '#mls/library.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { FetchedAuthority, GroupApi } from './group-api.ts';

/** After this time it is fetched again when it is needed: lists of revoked devices live for days. ms */
const STALE_MS = 6 * 3_600_000;
/** Not more often than this, whatever is found wrong with a certificate. ms */
const AGAIN_MS = 10_000;

interface Known extends FetchedAuthority {
  readonly at: number;
}

export class Authorities {
  readonly #api: Pick<GroupApi, 'authority'>;
  readonly #now: () => number;
  readonly #known = new Map<DomainName, Known>();
  readonly #fetching = new Map<DomainName, Promise<Known>>();
  #version = 0;

  /** @param now ms since 1970 */
  constructor(api: Pick<GroupApi, 'authority'>, now: () => number) {
    this.#api = api;
    this.#now = now;
  }

  /** Grows whenever something was fetched: what was found out by the old is to be found out again. */
  get version(): number {
    return this.#version;
  }

  /** As far as it was fetched. */
  readonly of = (domain: DomainName): Authority | undefined => this.#known.get(domain);

  /** Makes sure that everything about these domains is known and not old. @throws HawserError where it cannot be fetched */
  async ensure(domains: Iterable<DomainName>): Promise<void> {
    await Promise.all([...new Set(domains)].map((domain) => this.#fresh(domain, STALE_MS)));
  }

  /** The same where a certificate was found wanting: perhaps only the list is old. */
  async renew(domains: Iterable<DomainName>): Promise<void> {
    await Promise.all([...new Set(domains)].map((domain) => this.#fresh(domain, AGAIN_MS)));
  }

  /** The hub of a domain, with its key. @throws HawserError where it cannot be fetched */
  async hub(domain: DomainName): Promise<Hub> {
    const { hub } = await this.#fresh(domain, STALE_MS);
    return { domain, signatureKey: hub };
  }

  /** Something was revoked. */
  forget(domain: DomainName): void {
    const known = this.#known.get(domain);
    if (known) this.#known.set(domain, { ...known, at: Number.NEGATIVE_INFINITY });
  }

  async #fresh(domain: DomainName, maxAge: number): Promise<Known> {
    const known = this.#known.get(domain);
    if (known && this.#now() - known.at < maxAge) return known;
    const fetching =
      this.#fetching.get(domain) ??
      this.#api
        .authority(domain)
        .then((fetched) => {
          const fresh = { ...fetched, at: this.#now() };
          this.#known.set(domain, fresh);
          this.#version += 1;
          return fresh;
        })
        .finally(() => this.#fetching.delete(domain));
    this.#fetching.set(domain, fetching);
    // What is old is better than nothing: the certificates say themselves whether it is too old.
    return known ? fetching.catch(() => known) : fetching;
  }
}
