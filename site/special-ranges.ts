/**
 * Addresses that are no single machine of the open internet: IANA's registries of special-purpose addresses of IPv4 and IPv6
 * (RFC 6890), multicast, and what is given to nobody. Pure.
 */
import { BlockList, isIP } from 'node:net';
import { plainIp } from './ip.ts';

export type SpecialKind =
  | 'unspecified'
  | 'loopback'
  | 'private'
  | 'shared'
  | 'linkLocal'
  | 'documentation'
  | 'multicast'
  | 'special'
  | 'reserved';

export interface SpecialRange {
  readonly network: string;
  readonly bits: number;
  readonly kind: SpecialKind;
  /** In words for an administrator, with where it is written. */
  readonly what: string;
}

const range = (network: string, bits: number, kind: SpecialKind, what: string): SpecialRange => ({
  ...{ network, bits, kind, what },
});

/** Where one lies in another, the smaller one stands first. */
export const SPECIAL_RANGES: readonly SpecialRange[] = [
  range('0.0.0.0', 32, 'unspecified', 'no address (RFC 1122)'),
  range('0.0.0.0', 8, 'reserved', 'this network, which Linux takes for loopback (RFC 1122)'),
  range('10.0.0.0', 8, 'private', 'private (RFC 1918)'),
  range('100.64.0.0', 10, 'shared', 'shared by carriers (RFC 6598)'),
  range('127.0.0.0', 8, 'loopback', 'loopback: services of the TURN host itself'),
  range('169.254.0.0', 16, 'linkLocal', "link-local; 169.254.169.254 gives clouds' keys away"),
  range('172.16.0.0', 12, 'private', 'private (RFC 1918)'),
  range('192.0.0.0', 24, 'special', 'protocol assignments (RFC 6890)'),
  range('192.0.2.0', 24, 'documentation', 'documentation (RFC 5737)'),
  range('192.31.196.0', 24, 'special', 'AS112: answers for private names (RFC 7535)'),
  range('192.52.193.0', 24, 'special', 'AMT relays of multicast (RFC 7450)'),
  range('192.88.99.0', 24, 'special', '6to4 relays (RFC 7526)'),
  range('192.168.0.0', 16, 'private', 'private (RFC 1918)'),
  range('192.175.48.0', 24, 'special', 'AS112: answers for private names (RFC 7534)'),
  range('198.18.0.0', 15, 'special', 'benchmarks (RFC 2544)'),
  range('198.51.100.0', 24, 'documentation', 'documentation (RFC 5737)'),
  range('203.0.113.0', 24, 'documentation', 'documentation (RFC 5737)'),
  range('224.0.0.0', 4, 'multicast', 'multicast (RFC 5771)'),
  range('240.0.0.0', 4, 'reserved', 'reserved, and broadcast (RFC 1112)'),
  range('::', 128, 'unspecified', 'no address (RFC 4291)'),
  range('::1', 128, 'loopback', 'loopback (RFC 4291)'),
  range('::', 96, 'special', 'unspecified, loopback and IPv4-compatible (RFC 4291)'),
  range('::ffff:0:0', 96, 'special', 'IPv4-mapped: another way to write what is denied above'),
  range('64:ff9b::', 96, 'special', 'NAT64: reaches IPv4 by IPv6 (RFC 6052)'),
  range('64:ff9b:1::', 48, 'special', 'NAT64 of an organisation (RFC 8215)'),
  range('100::', 64, 'special', 'discarded (RFC 6666)'),
  range('100:0:0:1::', 64, 'special', 'a prefix that leads nowhere (RFC 9780)'),
  range('2001::', 23, 'special', 'Teredo and others (RFC 6890)'),
  range('2001:db8::', 32, 'documentation', 'documentation (RFC 3849)'),
  range('2002::', 16, 'special', '6to4: reaches IPv4 by IPv6 (RFC 3056)'),
  range('2620:4f:8000::', 48, 'special', 'AS112: answers for private names (RFC 7534)'),
  range('3fff::', 20, 'documentation', 'documentation (RFC 9637)'),
  range('5f00::', 16, 'special', 'segments of routes (RFC 9602)'),
  range('fc00::', 7, 'private', 'private (RFC 4193)'),
  range('fe80::', 10, 'linkLocal', 'link-local (RFC 4291)'),
  range('fec0::', 10, 'special', 'site-local of old (RFC 3879)'),
  range('ff00::', 8, 'multicast', 'multicast (RFC 4291)'),
];

const LISTS = SPECIAL_RANGES.map((each) => {
  const list = new BlockList();
  list.addSubnet(each.network, each.bits, family(each.network));
  return { ...each, list };
});

/** That in which an address lies; undefined where it is in none of them, or no address. IPv4-mapped ones are those of IPv6. */
export function specialRangeOf(address: string): SpecialRange | undefined {
  if (isIP(address) === 0) return undefined;
  // A list of IPv4 also has the mapped addresses of IPv6, which are another thing here.
  const of = family(address);
  return LISTS.find(({ network, list }) => family(network) === of && list.check(address, of));
}

/** What IPv4-mapped addresses are for is what those are for that they lead to. */
export function specialKindOf(address: string): SpecialKind | undefined {
  return specialRangeOf(plainIp(address))?.kind;
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
