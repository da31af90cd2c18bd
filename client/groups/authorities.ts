/**
 * What speaks for the devices of each domain, fetched through the own homeserver and kept: certificates are checked against
 * it at once, without asking anybody.
 */

import type { Authority } from '#mls/credentials.ts';
import type { Hub } from '#mls/library.ts';
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { FetchedAuthority, GroupApi } from './group-api.ts';

/** After this time it is fetched again when it is needed: lists of revoked devices live for days. ms */
const STALE_MS = 6 * 3_600_000;
/** Not more often than this, whatever is found wrong with a certificate. ms */
const AGAIN_MS = 10_000;
/** A domain of which nothing is known and that cannot be asked is left alone for this time, unless it is missed. ms */
const LEFT_ALONE_MS = 30_000;

interface Known extends FetchedAuthority {
  readonly at: number;
}

export class Authorities {
  readonly #api: Pick<GroupApi, 'authority'>;
  readonly #now: () => number;
  readonly #known = new Map<DomainName, Known>();
  readonly #fetching = new Map<DomainName, Promise<Known>>();
  /** Domains that were needed and are not known. */
  readonly #missed = new Set<DomainName>();
  /** When what is not known could not be fetched. */
  readonly #failed = new Map<DomainName, number>();
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
  readonly of = (domain: DomainName): Authority | undefined => {
    const known = this.#known.get(domain);
    if (!known) this.#missed.add(domain);
    return known;
  };

  /**
   * Makes sure that everything about these domains is known and not old, as far as they can be asked: devices of others are refused by
   * themselves.
   * @throws HawserError where the own homeserver cannot be asked
   */
  async ensure(domains: Iterable<DomainName>): Promise<void> {
    const now = this.#now();
    const wanted = [...new Set(domains)].filter((domain) => {
      const failed = this.#failed.get(domain) ?? Number.NEGATIVE_INFINITY;
      // A clock may be set, either way.
      return this.#known.has(domain) || Math.abs(now - failed) >= LEFT_ALONE_MS;
    });
    await this.#asFarAsKnown(wanted, STALE_MS);
  }

  /** The same where a certificate was found wanting: perhaps only the list is old, or it is of a domain that nobody thought of. */
  async renew(domains: Iterable<DomainName>): Promise<void> {
    await this.#asFarAsKnown([...new Set([...domains, ...this.#missed])], AGAIN_MS);
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

  async #asFarAsKnown(domains: readonly DomainName[], maxAge: number): Promise<void> {
    const asked = domains.map((domain) =>
      this.#fresh(domain, maxAge).then(
        () => {
          this.#failed.delete(domain);
          this.#missed.delete(domain);
        },
        (error: unknown) => {
          // What another organisation does not answer is no fault of the way to the own one.
          if (!(error instanceof HawserError) || !error.code.startsWith('FED_')) throw error;
          this.#failed.set(domain, this.#now());
        },
      ),
    );
    await Promise.all(asked);
  }

  async #fresh(domain: DomainName, maxAge: number): Promise<Known> {
    const known = this.#known.get(domain);
    if (known && Math.abs(this.#now() - known.at) < maxAge) return known;
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
