/**
 * What speaks for the devices of each domain: the roots, and the lists of what they and their intermediates took back. The
 * own list is made anew after each removal of a device, and in time before it ends.
 */

import type { Authority } from '#mls/credentials.ts';
import { toBase64Url } from '#signalling/base64.ts';
import type { Authority as Stated } from '#signalling/devices.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { DeviceAuthority } from '#trust/device-authority.ts';
import { LIST_LIFE } from '#trust/device-authority.ts';
import type { Store } from '../store/store.ts';
import type { World } from '../world.ts';

export interface AuthoritiesOptions {
  readonly store: Store;
  readonly world: World;
  readonly domain: DomainName;
  readonly own: DeviceAuthority;
  /** What other domains say, as far as it is known. */
  readonly others?: (domain: DomainName) => Authority | undefined;
}

/** The list is made again when this part of its life is over. */
const RENEW_AFTER = LIST_LIFE / 8;

export class Authorities {
  readonly #options: AuthoritiesOptions;
  readonly #stop: () => void;
  #own: Authority;
  #madeAt: number;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: AuthoritiesOptions, own: Authority, madeAt: number, onFault: (error: unknown) => void) {
    this.#options = options;
    this.#own = own;
    this.#madeAt = madeAt;
    this.#stop = options.own.onChange(() => this.renew().catch(onFault));
  }

  static async open(options: AuthoritiesOptions, onFault: (error: unknown) => void): Promise<Authorities> {
    const now = options.world.now();
    return new Authorities(options, await make(options, now), now, onFault);
  }

  /** The authority of a domain, or undefined where it is not known. */
  readonly of = (domain: DomainName): Authority | undefined =>
    domain === this.#options.domain ? this.#own : this.#options.others?.(domain);

  /** Makes the own list anew: what was revoked before the call is on it when the promise resolves. */
  renew(): Promise<void> {
    const turn = this.#last.then(async () => {
      const now = this.#options.world.now();
      this.#own = await make(this.#options, now);
      this.#madeAt = now;
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** To be called now and then. */
  async sweep(): Promise<void> {
    const { store, world } = this.#options;
    await store.db.deleteFrom('device_certificates').where('not_after', '<=', world.now()).execute();
    if (world.now() - this.#madeAt >= RENEW_AFTER) await this.renew();
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#last;
  }
}

/** Certificates that have ended by themselves need not be listed (RFC 5280, section 3.3). */
async function make({ store, own }: AuthoritiesOptions, now: number): Promise<Authority> {
  const rows = await store.db
    .selectFrom('device_certificates')
    .select(['serial', 'revoked_at'])
    .where('revoked_at', 'is not', null)
    .where('not_after', '>', now)
    .execute();
  const revoked = rows.map(({ serial, revoked_at }) => ({ serial, at: revoked_at ?? now }));
  const { roots, rootRevocations } = own.current;
  return { roots, revocations: [...rootRevocations, await own.revocationList(revoked, now)] };
}

/** The own authority as others are told it. @param hub with which this hub proposes to groups: Ed25519, 32 bytes */
export function statedAuthority(domain: DomainName, authorities: Pick<Authorities, 'of'>, hub: Uint8Array): Stated {
  const { roots = [], revocations = [] } = authorities.of(domain) ?? {};
  return { domain, roots: roots.map(toBase64Url), revocations: revocations.map(toBase64Url), hub: toBase64Url(hub) };
}
