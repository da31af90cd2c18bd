/**
 * Addresses to which no relay may send. The first two are all there are; what follows says the dangerous ones by name, so that
 * they stay closed also where somebody opens the first two. Sources: IANA's registries of special-purpose addresses (RFC 6890).
 */
export interface DeniedRange {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

export const DENIED_RANGES: readonly DeniedRange[] = [
  { from: '0.0.0.0', to: '255.255.255.255', reason: 'everything; what is allowed stands above' },
  { from: '::', to: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', reason: 'the same for IPv6' },
  { from: '0.0.0.0', to: '0.255.255.255', reason: 'this network, which Linux takes for loopback (RFC 1122)' },
  { from: '10.0.0.0', to: '10.255.255.255', reason: 'private (RFC 1918)' },
  { from: '100.64.0.0', to: '100.127.255.255', reason: 'shared by carriers (RFC 6598)' },
  { from: '127.0.0.0', to: '127.255.255.255', reason: 'loopback: services of the TURN host itself' },
  { from: '169.254.0.0', to: '169.254.255.255', reason: "link-local; 169.254.169.254 gives clouds' keys away" },
  { from: '172.16.0.0', to: '172.31.255.255', reason: 'private (RFC 1918)' },
  { from: '192.0.0.0', to: '192.0.0.255', reason: 'protocol assignments (RFC 6890)' },
  { from: '192.0.2.0', to: '192.0.2.255', reason: 'documentation (RFC 5737)' },
  { from: '192.88.99.0', to: '192.88.99.255', reason: '6to4 relays (RFC 7526)' },
  { from: '192.168.0.0', to: '192.168.255.255', reason: 'private (RFC 1918)' },
  { from: '198.18.0.0', to: '198.19.255.255', reason: 'benchmarks (RFC 2544)' },
  { from: '198.51.100.0', to: '198.51.100.255', reason: 'documentation (RFC 5737)' },
  { from: '203.0.113.0', to: '203.0.113.255', reason: 'documentation (RFC 5737)' },
  { from: '224.0.0.0', to: '239.255.255.255', reason: 'multicast (RFC 5771)' },
  { from: '240.0.0.0', to: '255.255.255.255', reason: 'reserved, and broadcast (RFC 1112)' },
  { from: '::', to: '::ffff:ffff', reason: 'unspecified, loopback and IPv4-compatible (RFC 4291)' },
  { from: '::ffff:0:0', to: '::ffff:ffff:ffff', reason: 'IPv4-mapped: another way to write what is denied above' },
  { from: '64:ff9b::', to: '64:ff9b::ffff:ffff', reason: 'NAT64: reaches IPv4 by IPv6 (RFC 6052)' },
  { from: '64:ff9b:1::', to: '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', reason: 'NAT64 of an organisation (RFC 8215)' },
  { from: '100::', to: '100::ffff:ffff:ffff:ffff', reason: 'discarded (RFC 6666)' },
  { from: '2001::', to: '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', reason: 'Teredo and others (RFC 6890)' },
  { from: '2001:db8::', to: '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', reason: 'documentation (RFC 3849)' },
  { from: '2002::', to: '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', reason: '6to4: reaches IPv4 by IPv6 (RFC 3056)' },
  { from: 'fc00::', to: 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', reason: 'private (RFC 4193)' },
  { from: 'fe80::', to: 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', reason: 'link-local (RFC 4291)' },
  { from: 'fec0::', to: 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', reason: 'site-local of old (RFC 3879)' },
  { from: 'ff00::', to: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', reason: 'multicast (RFC 4291)' },
];
