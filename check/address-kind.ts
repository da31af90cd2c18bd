/** What an IP address is for, by the registries of IANA: who can reach it at all. */
import { BlockList, isIP } from 'node:net';
import { isPublicAddress } from '#trust/public-address.ts';

export type AddressKind =
  | 'public'
  | 'private'
  | 'shared'
  | 'loopback'
  | 'linkLocal'
  | 'documentation'
  | 'unspecified'
  | 'multicast'
  | 'special'
  | 'reserved';

const RANGES: readonly (readonly [AddressKind, ...(readonly [string, number])[]])[] = [
  ['unspecified', ['0.0.0.0', 32], ['::', 128]],
  ['loopback', ['127.0.0.0', 8], ['::1', 128]],
  ['private', ['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['fc00::', 7]],
  ['shared', ['100.64.0.0', 10]],
  ['linkLocal', ['169.254.0.0', 16], ['fe80::', 10]],
  ['documentation', ['192.0.2.0', 24], ['198.51.100.0', 24], ['203.0.113.0', 24], ['2001:db8::', 32], ['3fff::', 20]],
  ['multicast', ['224.0.0.0', 4], ['ff00::', 8]],
  ['reserved', ['0.0.0.0', 8], ['240.0.0.0', 4]],
];

const LISTS = RANGES.map(([kind, ...networks]) => {
  const list = new BlockList();
  for (const [network, bits] of networks) list.addSubnet(network, bits, family(network));
  return [kind, list] as const;
});

/** In words that follow "is". */
export const KIND_WORDS: Readonly<Record<AddressKind, string>> = {
  public: 'an address of the open internet',
  private: 'a private address (RFC 1918, RFC 4193)',
  shared: 'an address behind the address translation of a provider (RFC 6598)',
  loopback: 'an address of this machine alone',
  linkLocal: 'an address inside one network segment (RFC 3927, RFC 4291)',
  documentation: 'an address that is kept for examples (RFC 5737, RFC 3849)',
  unspecified: 'no single address',
  multicast: 'an address of groups of machines',
  special: 'an address for special purposes (RFC 6890)',
  reserved: 'an address that is given to nobody',
};

/** Undefined where it is none. */
export function kindOf(address: string): AddressKind | undefined {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return kindOf(mapped);
  if (isIP(address) === 0) return undefined;
  const known = LISTS.find(([, list]) => list.check(address, family(address)));
  return known?.[0] ?? (isPublicAddress(address) ? 'public' : 'special');
}

/** Names and addresses that lead to the machine itself (RFC 6761, section 6.3). */
export function isLocalHost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || kindOf(host) === 'loopback';
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
