import { expect, it } from 'vitest';
import { isLocalHost, kindOf } from './address-kind.ts';

it.each([
  ['8.8.8.8', 'public'],
  ['2606:4700::1', 'public'],
  ['10.1.2.3', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.0', 'public'],
  ['fd12::1', 'private'],
  ['100.64.0.1', 'shared'],
  ['127.8.8.8', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:10.0.0.1', 'private'],
  ['169.254.169.254', 'linkLocal'],
  ['fe80::1', 'linkLocal'],
  ['203.0.113.7', 'documentation'],
  ['2001:db8::7', 'documentation'],
  ['0.0.0.0', 'unspecified'],
  ['::', 'unspecified'],
  ['0.1.2.3', 'reserved'],
  ['224.0.0.1', 'multicast'],
  ['ff02::1', 'multicast'],
  ['198.18.0.1', 'special'],
  ['64:ff9b::1', 'special'],
  ['255.255.255.255', 'reserved'],
  ['alpha.example', undefined],
  ['1.2.3', undefined],
] as const)('%s is %s', (address, kind) => expect(kindOf(address)).toBe(kind));

it('knows the names of this machine', () => {
  expect(['localhost', 'alpha.localhost', '127.0.0.1', '::1'].every(isLocalHost)).toBe(true);
  expect(['localhost.example', '10.0.0.1', 'alpha.example'].some(isLocalHost)).toBe(false);
});
