/**
 * Where the homeserver of a domain is: the address on the allow list, else what DNS says (SRV), else the directory on the domain's own
 * web server. Whatever a name leads to is looked at before it is dialled, and that very address is dialled: a name that leads into our
 * own house would let somebody else's DNS choose whom this server talks to.
 */
import { isIP } from 'node:net';
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import { type HostAndPort, parseHostAndPort } from '#site/address.ts';
import type { Peer } from '#trust/identity.ts';
import { isPublicAddress } from '#trust/public-address.ts';
import type { World } from '../world.ts';
import { fetchDirectory } from './directory.ts';
import type { Names } from './dns.ts';
import { Unreachable } from './errors.ts';

export type SoughtPeer = Pick<Peer, 'domain' | 'homeserver' | 'addresses'>;

export interface DiscoveryOptions {
  readonly names: Names;
  readonly world: World;
  /** For tests: where the web servers of domains are, and who speaks for them. */
  readonly web?: { readonly port: number; readonly ca: string };
  /** For tests: how a directory is fetched. */
  readonly fetch?: typeof fetchDirectory;
  /** Addresses that are given, and services whose names are looked up; as many as are tried, when left out. */
  readonly most?: number;
  /** A name of a domain leads where it must not. */
  readonly onRefused?: (domain: DomainName) => void;
}

/** An answer is used for so long, whatever its own time to live says. ms */
const [SHORTEST_MS, LONGEST_MS] = [30_000, 5 * 60_000];
/** Where nothing was found. ms */
const AGAIN_MS = 5_000;
/** While nobody can say, what was found before serves on. ms */
const STALE_MS = 24 * 3_600_000;
/** Which of more services these are differs from one look to the next. */
const MAX_PLACES = 4;

interface Found {
  readonly places: readonly HostAndPort[];
  /** s */
  readonly ttl: number;
}

interface Kept {
  /** From when until when it is used: a clock may be set back. ms since 1970 */
  readonly since: number;
  readonly until: number;
  readonly found: Promise<Found>;
  /** The last answer that was one. */
  readonly good: { readonly found: Found; readonly at: number } | undefined;
}

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #most: number;
  readonly #kept = new Map<DomainName, Kept & { readonly key: string }>();

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#most = options.most ?? MAX_PLACES;
  }

  /**
   * Addresses to be dialled as they are, the best first.
   * @throws HawserError FED_ADDRESS: they lead where the entry of the domain does not allow; FED_UNREACHABLE: there are none
   */
  async find(peer: SoughtPeer): Promise<readonly HostAndPort[]> {
    const { homeserver } = peer;
    // Written by the administrator, who knows what is there.
    if (homeserver && (isIP(homeserver.host) !== 0 || homeserver.host === 'localhost')) return [homeserver];
    const now = this.#options.world.now();
    const key = JSON.stringify([homeserver ?? null, peer.addresses]);
    const before = this.#kept.get(peer.domain);
    const isSame = before?.key === key;
    if (before && isSame && now >= before.since && now < before.until) return (await before.found).places;
    return this.#seek(peer, key, isSame ? before.good : undefined);
  }

  /** Of a domain that is not allowed any more. */
  forget(domain: DomainName): void {
    this.#kept.delete(domain);
  }

  async #seek(peer: SoughtPeer, key: string, good: Kept['good']): Promise<readonly HostAndPort[]> {
    const { domain } = peer;
    const { world, onRefused } = this.#options;
    const now = world.now();
    const found = this.#look(peer).catch((error: unknown) => {
      if (error instanceof HawserError && error.code === 'FED_ADDRESS') onRefused?.(domain);
      else if (good && now - good.at < STALE_MS) return { ...good.found, ttl: 0 };
      throw error;
    });
    this.#kept.set(domain, { key, since: now, until: now + AGAIN_MS, found, good });
    const { places, ttl } = await found;
    const kept = this.#kept.get(domain);
    if (kept?.found === found && ttl > 0) {
      const until = now + Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ttl * 1_000));
      this.#kept.set(domain, { key, since: now, until, found, good: { found: { places, ttl }, at: now } });
    }
    return places;
  }

  async #look(peer: SoughtPeer): Promise<Found> {
    try {
      if (peer.homeserver) return await this.#at(peer, [peer.homeserver]);
      return (await this.#byService(peer)) ?? (await this.#byDirectory(peer));
    } catch (error) {
      throw error instanceof HawserError ? error : new Unreachable([peer.domain], { cause: error });
    }
  }

  /** RFC 2782. Undefined where the domain has no such records. */
  async #byService(peer: SoughtPeer): Promise<Found | undefined> {
    const { names, world } = this.#options;
    const records = await names.services(`_hawser-federation._tcp.${peer.domain}`);
    if (records.length === 0) return undefined;
    const chance = () => world.random(4).readUInt32BE() / 2 ** 32;
    const services = inOrder(records.slice(0, 100), chance).filter(({ name }) => name !== '' && name !== '.');
    // Only a dot: the domain says that it has no homeserver.
    if (services.length === 0) throw new Unreachable([peer.domain]);
    return this.#at(
      peer,
      services.slice(0, this.#most).map(({ name, port }) => ({ host: name, port })),
    );
  }

  async #byDirectory(peer: SoughtPeer): Promise<Found> {
    const { domain } = peer;
    const { web, fetch = fetchDirectory } = this.#options;
    const { places } = await this.#at(peer, [{ host: domain, port: web?.port ?? 443 }]);
    const [at] = places;
    if (!at) throw new Unreachable([domain]);
    const { homeserver } = await fetch({ domain, address: at.host, port: at.port, ca: web?.ca });
    const place = parseHostAndPort(homeserver);
    if (!place) throw new Unreachable([domain]);
    return this.#at(peer, [place]);
  }

  /** The addresses of names, if they may be dialled. An address that the other side gave in place of a name is looked at like any other. */
  async #at(peer: SoughtPeer, named: readonly HostAndPort[]): Promise<Found> {
    const places: HostAndPort[] = [];
    let ttl = LONGEST_MS / 1_000;
    let failure: unknown;
    for (const { host, port } of named) {
      const found = await this.#addresses(host).catch((error: unknown) => {
        failure = error;
        return [];
      });
      // One that is not allowed is enough: whoever owns the name could choose between them for each connection.
      if (peer.addresses === 'public' && !found.every(({ address }) => isPublicAddress(address))) {
        throw new HawserError('FED_ADDRESS', peer.domain);
      }
      for (const each of found) {
        places.push({ host: each.address, port });
        ttl = Math.min(ttl, each.ttl);
      }
    }
    if (places.length === 0) throw new Unreachable([peer.domain], { cause: failure });
    return { places: places.slice(0, this.#most), ttl: Math.max(1, ttl) };
  }

  async #addresses(host: string) {
    return isIP(host) === 0 ? this.#options.names.addresses(host) : [{ address: host, ttl: LONGEST_MS / 1_000 }];
  }
}

interface Service {
  readonly priority: number;
  readonly weight: number;
}

/** By priority, and among equals by chance, the heavier ones more often (RFC 2782). */
function inOrder<T extends Service>(services: readonly T[], chance: () => number): T[] {
  // The smallest of these is first with a probability of its weight's share; a weight of 0 is nearly never.
  const drawn = services.map((service) => ({ service, key: -Math.log(1 - chance()) / (service.weight + 0.001) }));
  drawn.sort((one, other) => one.service.priority - other.service.priority || one.key - other.key);
  return drawn.map(({ service }) => service);
}
