import { BlockList } from 'node:net';
import { expect, it } from 'vitest';
import { ALL_ADDRESSES, DENIED_RANGES } from './denied-ranges.ts';

// Two lists: one of IPv6 with mapped addresses would have all of IPv4.
const named = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const { from, to } of DENIED_RANGES.slice(ALL_ADDRESSES.length)) {
  const family = from.includes(':') ? 'ipv6' : 'ipv4';
  named[family].addRange(from, to, family);
}
const isNamed = (ip: string) => {
  const family = ip.includes(':') ? 'ipv6' : 'ipv4';
  return named[family].check(ip, family);
};

/** Written down once more, from IANA's registries: what is before a range, its first and its last address, and what is behind it. */
it.each([
  ['', '0.0.0.0', '0.255.255.255', '1.0.0.0'],
  ['9.255.255.255', '10.0.0.0', '10.255.255.255', '11.0.0.0'],
  ['100.63.255.255', '100.64.0.0', '100.127.255.255', '100.128.0.0'],
  ['126.255.255.255', '127.0.0.0', '127.255.255.255', '128.0.0.0'],
  ['169.253.255.255', '169.254.0.0', '169.254.255.255', '169.255.0.0'],
  ['172.15.255.255', '172.16.0.0', '172.31.255.255', '172.32.0.0'],
  ['191.255.255.255', '192.0.0.0', '192.0.0.255', '192.0.1.0'],
  ['192.0.1.255', '192.0.2.0', '192.0.2.255', '192.0.3.0'],
  ['192.31.195.255', '192.31.196.0', '192.31.196.255', '192.31.197.0'],
  ['192.52.192.255', '192.52.193.0', '192.52.193.255', '192.52.194.0'],
  ['192.88.98.255', '192.88.99.0', '192.88.99.255', '192.88.100.0'],
  ['192.167.255.255', '192.168.0.0', '192.168.255.255', '192.169.0.0'],
  ['192.175.47.255', '192.175.48.0', '192.175.48.255', '192.175.49.0'],
  ['198.17.255.255', '198.18.0.0', '198.19.255.255', '198.20.0.0'],
  ['198.51.99.255', '198.51.100.0', '198.51.100.255', '198.51.101.0'],
  ['203.0.112.255', '203.0.113.0', '203.0.113.255', '203.0.114.0'],
  ['223.255.255.255', '224.0.0.0', '255.255.255.255', ''],
  ['', '::', '::ffff:ffff', '::1:0:0'],
  ['::fffe:ffff:ffff', '::ffff:0:0', '::ffff:ffff:ffff', '::1:0:0:0'],
  ['64:ff9a::', '64:ff9b::', '64:ff9b::ffff:ffff', '64:ff9b::1:0:0'],
  ['64:ff9b:0:ffff::', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', '64:ff9b:2::'],
  ['ff:ffff::', '100::', '100:0:0:1:ffff:ffff:ffff:ffff', '100:0:0:2::'],
  ['2000:ffff::', '2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:200::'],
  ['2001:db7:ffff::', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db9::'],
  ['2001:ffff::', '2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2003::'],
  ['2620:4f:7fff::', '2620:4f:8000::', '2620:4f:8000:ffff:ffff:ffff:ffff:ffff', '2620:4f:8001::'],
  ['3ffe:ffff::', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '3fff:1000::'],
  ['5eff:ffff::', '5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '5f01::'],
  ['fbff:ffff::', 'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fe00::'],
  ['fe7f:ffff::', 'fe80::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', ''],
  ['', 'ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', ''],
])('names what lies behind %s: %s to %s', (before, first, last, behind) => {
  expect([first, last].filter((ip) => !isNamed(ip))).toEqual([]);
  expect([before, behind].filter((ip) => ip !== '' && isNamed(ip))).toEqual([]);
});

it('denies all others too', () => {
  expect(DENIED_RANGES.slice(0, 2)).toMatchObject([
    { from: '0.0.0.0', to: '255.255.255.255' },
    { from: '::', to: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' },
  ]);
});
