/** Names to addresses, by a resolver: that of this machine, or those that the administrator named. */

import type { SrvRecord } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';

export interface FoundAddress {
  readonly address: string;
  /** s */
  readonly ttl: number;
}

export interface Names {
  /** SRV records; none where there are none. Rejects where nobody can say. */
  services(name: string): Promise<readonly SrvRecord[]>;
  /** Of both families; none where there are none. Rejects where nobody can say. */
  addresses(host: string): Promise<readonly FoundAddress[]>;
}

const TIMEOUT_MS = 2_000;
const TRIES = 2;
/** Whatever the system's resolver waits for. */
const LOOKUP_MS = 5_000;
/** Where the system does not say. s */
const TTL = 60;

/** @param servers addresses, with a port where it is another than 53; none for those of this machine */
export function resolverOf(servers: readonly string[]): Names {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers.length > 0) resolver.setServers([...servers]);
  return {
    services: (name) => resolver.resolveSrv(name).catch(noneOrThrow),
    addresses: (host) => (servers.length > 0 ? bothFamilies(resolver, host) : systemAddresses(host)),
  };
}

async function bothFamilies(resolver: Resolver, host: string): Promise<FoundAddress[]> {
  const found = await Promise.all([
    resolver.resolve4(host, { ttl: true }).catch(noneOrThrow),
    resolver.resolve6(host, { ttl: true }).catch(noneOrThrow),
  ]);
  return found.flat();
}

/** This also knows what stands in a file of the machine (hosts), which a question to a server does not. */
async function systemAddresses(host: string): Promise<FoundAddress[]> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('the resolver does not answer')), LOOKUP_MS);
  try {
    const found = await Promise.race([lookup(host, { all: true }).catch(noneOrThrow), late]);
    return found.map(({ address }) => ({ address, ttl: TTL }));
  } finally {
    clearTimeout(timer);
  }
}

function noneOrThrow(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') return [];
  throw error;
}
