import { BlockList } from 'node:net';
import { expect, it } from 'vitest';
import { ALL_ADDRESSES, DENIED_RANGES } from './denied-ranges.ts';

// Two lists: one of IPv6 with mapped addresses would have all of IPv4.
const named = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const { from, to } of DENIED_RANGES.slice(ALL_ADDRESSES.length)) {
  const family = from.includes(':') ? 'ipv6' : 'ipv4';
  named[family].addRange(from, to, family);
}

/** Written down once more, from IANA's registries, so that a change of the one table is seen here. */
it.each([
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.127.255.255', '127.0.0.1', '169.254.169.254', '172.31.255.255'],
  ...['192.0.0.1', '192.0.2.1', '192.31.196.1', '192.52.193.1', '192.88.99.1', '192.168.1.1', '192.175.48.1'],
  ...['198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
])('%s is denied by name', (ip) => expect(named.ipv4.check(ip, 'ipv4')).toBe(true));

it.each([
  ...['::', '::1', '::7f00:1', '::ffff:7f00:1', '::ffff:808:808', '64:ff9b::7f00:1', '64:ff9b:1::1', '100::1'],
  ...['100:0:0:1::1', '2001::1', '2001:20::1', '2001:db8::1', '2002:7f00:1::', '2620:4f:8000::1', '3fff::1'],
  ...['5f00::1', 'fc00::1', 'fdff::1', 'fe80::1', 'febf::1', 'fec0::1', 'ff02::1'],
])('%s is denied by name', (ip) => expect(named.ipv6.check(ip, 'ipv6')).toBe(true));

it.each(['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '172.32.0.0', '192.0.1.0', '223.255.255.255'])(
  '%s is denied as everything is, and not by name',
  (ip) => expect(named.ipv4.check(ip, 'ipv4')).toBe(false),
);
