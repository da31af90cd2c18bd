/**
 * What people of other domains may ask about ours: token buckets for each of them and for each domain, in memory. The narrowest is
 * asked first: one person who asks too much is refused without a part of what his domain may ask, so that nobody gets his whole domain
 * refused alone. A domain may ask little while it is new here, more with its age.
 */
import { HawserError } from '#signalling/errors.ts';
import type { DomainName, UserId } from '#signalling/ids.ts';

export type LimitedCall = 'search' | 'keyMaterial' | 'consent';

/** So many a second, and at once after a while of silence. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface Bucket {
  readonly tokens: number;
  /** ms */
  readonly at: number;
}

/** Of one person: as much as somebody of this domain may ask of us. */
const OF_USER: Readonly<Record<LimitedCall, Rate>> = {
  search: { perSecond: 2, burst: 20 },
  // A group of some hundred people is made at once.
  keyMaterial: { perSecond: 10, burst: 300 },
  consent: { perSecond: 1 / 10, burst: 20 },
};

/** Of a domain that has been known for `GROWN_MS`. */
const OF_DOMAIN: Readonly<Record<LimitedCall, Rate>> = {
  search: { perSecond: 50, burst: 500 },
  keyMaterial: { perSecond: 100, burst: 5_000 },
  consent: { perSecond: 20, burst: 1_000 },
};

export const GROWN_MS = 30 * 24 * 3_600_000;
/** What a domain may ask on its first day, as a part of that. */
const FIRST_SHARE = 0.1;

/** What a domain may ask. @param age how long it has been known, ms */
export function rateOfDomain(call: LimitedCall, age: number): Rate {
  const grown = Math.min(1, Math.max(0, age) / GROWN_MS);
  const share = FIRST_SHARE + (1 - FIRST_SHARE) * grown;
  const { perSecond, burst } = OF_DOMAIN[call];
  return { perSecond: perSecond * share, burst: Math.floor(burst * share) };
}

/** A bucket as it is now, before anything is taken. */
export function filled(bucket: Bucket | undefined, { perSecond, burst }: Rate, now: number): Bucket {
  if (!bucket) return { tokens: burst, at: now };
  const elapsed = Math.max(0, now - bucket.at) / 1_000;
  return { tokens: Math.min(burst, bucket.tokens + elapsed * perSecond), at: now };
}

/** Bound of each table; what was quiet longest goes first, and has a full bucket anyway. */
const MAX_KEYS = 20_000;

class Buckets {
  readonly #buckets = new Map<string, Bucket>();

  has(key: string, rate: Rate, now: number): boolean {
    return filled(this.#buckets.get(key), rate, now).tokens >= 1;
  }

  take(key: string, rate: Rate, now: number): void {
    const { tokens } = filled(this.#buckets.get(key), rate, now);
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens - 1, at: now });
    const oldest = this.#buckets.keys().next().value;
    if (this.#buckets.size > MAX_KEYS && oldest !== undefined) this.#buckets.delete(oldest);
  }
}

export interface RemoteLimitsOptions {
  readonly now: () => number;
  /** How long a domain has been known, ms. */
  readonly ageOf: (domain: DomainName) => number;
}

export class RemoteLimits {
  readonly #options: RemoteLimitsOptions;
  readonly #users = new Buckets();
  readonly #domains = new Buckets();

  constructor(options: RemoteLimitsOptions) {
    this.#options = options;
  }

  /**
   * Counts one request of somebody of a domain.
   * @param user as the domain says; it must be one of its own
   * @throws HawserError FED_LIMIT
   */
  take(call: LimitedCall, domain: DomainName, user: UserId): void {
    const now = this.#options.now();
    const ofDomain = rateOfDomain(call, this.#options.ageOf(domain));
    const [userKey, domainKey] = [`${call} ${user}`, `${call} ${domain}`];
    if (!this.#users.has(userKey, OF_USER[call], now)) throw new HawserError('FED_LIMIT', 'person');
    // What is refused for the domain's sake costs its person nothing.
    if (!this.#domains.has(domainKey, ofDomain, now)) throw new HawserError('FED_LIMIT', 'organisation');
    this.#users.take(userKey, OF_USER[call], now);
    this.#domains.take(domainKey, ofDomain, now);
  }
}
