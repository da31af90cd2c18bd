import fc from 'fast-check';
import { expect, it } from 'vitest';
import { endsOf, ipOfNumber, isEveryIp, isLocalHost, isSameIp, meets, numberOfIp, plainIp } from './ip.ts';
import { specialKindOf } from './special-ranges.ts';

it.each([
  ['203.0.113.7', '203.0.113.7'],
  ['0:0::1', '::1'],
  ['2001:DB8:0:0::7', '2001:db8::7'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::ffff:7f00:1', '127.0.0.1'],
  ['0:0:0:0:0:ffff:10.0.0.1', '10.0.0.1'],
  ['::127.0.0.1', '::7f00:1'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
  ['alpha.example', 'alpha.example'],
])('%s is %s', (written, plain) => expect(plainIp(written)).toBe(plain));

it('knows every address in each of its spellings', () => {
  expect(['0.0.0.0', '::', '0::0', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0'].every(isEveryIp)).toBe(true);
  expect(['0.0.0.1', '::1', '127.0.0.1', ''].some(isEveryIp)).toBe(false);
});

it('knows who takes the ports of whom', () => {
  expect(meets('0::0', '0.0.0.0')).toBe(true);
  expect(meets('0::0', '203.0.113.7')).toBe(true);
  expect(meets('0.0.0.0', '203.0.113.7')).toBe(true);
  expect(meets('::ffff:203.0.113.7', '203.0.113.7')).toBe(true);
  expect(meets('0.0.0.0', '2001:db8::7')).toBe(false);
  expect(meets('203.0.113.7', '203.0.113.8')).toBe(false);
});

it('knows the names and addresses of the machine itself', () => {
  const local = ['localhost', 'alpha.localhost', '127.0.0.1', '127.8.8.8', '::1', '[::1]', '0::1', '::ffff:127.0.0.1'];
  expect(local.filter((host) => !isLocalHost(host))).toEqual([]);
  expect(['localhost.example', '10.0.0.1', 'alpha.example', '127.example', '::'].filter(isLocalHost)).toEqual([]);
  for (const ip of local.slice(2).filter((each) => !each.includes('['))) expect(specialKindOf(ip)).toBe('loopback');
});

it('gives each number its address, and each address its number', () => {
  fc.assert(fc.property(fc.ipV4(), (ip) => ipOfNumber(numberOfIp(ip), 32) === ip));
  const six = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
  fc.assert(fc.property(six, (number) => numberOfIp(ipOfNumber(number, 128)) === number));
  fc.assert(fc.property(fc.ipV6(), (ip) => isSameIp(ipOfNumber(numberOfIp(ip), 128), ip)));
});

it('knows where a prefix begins and ends', () => {
  expect(endsOf('198.20.0.7', 24)).toEqual(['198.20.0.0', '198.20.0.255']);
  expect(endsOf('198.20.0.7', 0)).toEqual(['0.0.0.0', '255.255.255.255']);
  expect(endsOf('fc00::', 7)).toEqual(['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']);
  expect(endsOf('2001:db8::7', 128)).toEqual(['2001:db8::7', '2001:db8::7']);
});
