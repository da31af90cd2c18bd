import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { areTooMany, isPrefix, masked, missingBits, parsePrefix, plainPrefix, withinPrefixes } from './prefixes.ts';

test.each([
  ['203.0.113.7', ['203.0.113.0/24'], true],
  ['203.0.114.7', ['203.0.113.0/24'], false],
  ['203.0.114.7', ['203.0.113.0/24', '203.0.114.7'], true],
  ['2001:db8::7', ['2001:db8::/32'], true],
  ['2001:db9::7', ['2001:db8::/32'], false],
  ['203.0.113.7', ['::/0'], false],
  ['2001:db8::7', ['0.0.0.0/0'], false],
  ['::ffff:203.0.113.7', ['0.0.0.0/0'], false],
  ['fe80::1%eth0', ['fe80::/10'], false],
  ['203.0.113.7', [], false],
  ['203.0.113.7', ['203.0.113.0/33', 'nonsense', '203.0.113.0/24/8'], false],
  ['nonsense', ['0.0.0.0/0'], false],
])('%s within %j: %s', (ip, prefixes, within) => expect(withinPrefixes(ip, prefixes)).toBe(within));

it('knows a prefix', () => {
  expect(['203.0.113.0/24', '203.0.113.7', '::1', '2001:db8::/128'].every(isPrefix)).toBe(true);
  expect(['203.0.113.0/', '/24', '203.0.113.0/33', '::/129', '::/-1', 'alpha.example', ''].some(isPrefix)).toBe(false);
});

test.each([
  ['198.20.0.7/24', '198.20.0.0/24'],
  ['198.20.0.7', '198.20.0.7/32'],
  ['198.20.255.255/31', '198.20.255.254/31'],
  ['255.255.255.255/1', '128.0.0.0/1'],
  ['1.2.3.4/0', '0.0.0.0/0'],
  ['2001:DB8:7:ffff::9/47', '2001:db8:6::/47'],
  ['2001:db8:0:0::0:1', '2001:db8::1/128'],
  ['::ffff:198.20.0.7/120', '::ffff:c614:0/120'],
  ['::1/0', '::/0'],
])('the plain form of %s is %s', (text, plain) => expect(plainPrefix(text)).toBe(plain));

it('holds what it held before in the plain form, and no more', () => {
  const of = (ip: fc.Arbitrary<string>, bits: number) =>
    fc.record({ ip, other: ip, length: fc.integer({ min: 0, max: bits }) });
  fc.assert(
    fc.property(fc.oneof(of(fc.ipV4(), 32), of(fc.ipV6(), 128)), ({ ip, other, length }) => {
      const prefix = `${ip}/${length}`;
      expect(withinPrefixes(other, [plainPrefix(prefix)])).toBe(withinPrefixes(other, [prefix]));
      expect(plainPrefix(plainPrefix(prefix))).toBe(plainPrefix(prefix));
    }),
  );
});

it('never fails on nonsense', () => {
  fc.assert(fc.property(fc.string(), fc.array(fc.string()), (ip, prefixes) => void withinPrefixes(ip, prefixes)));
});

const parsed = (texts: readonly string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);

it('knows which prefix is more than any organisation has', () => {
  const bits = (text: string) => parsed([text]).map(missingBits);
  expect(['0.0.0.0/1', '10.0.0.0/7', '2000::/3', '2606::/15'].flatMap(bits)).toEqual([8, 8, 16, 16]);
  expect(['10.0.0.0/8', '203.0.113.7', '2606::/16'].flatMap(bits)).toEqual([undefined, undefined, undefined]);
});

test.each([
  [['0.0.0.0/1', '128.0.0.0/1'], true],
  [['20.0.0.0/8', '22.0.0.0/8', '24.0.0.0/8'], true],
  [['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'], false],
  // Each address counts once.
  [['20.0.0.0/8', '20.0.0.0/8', '20.128.0.0/9', '20.0.0.0/9', '22.0.0.0/8'], false],
  [['2001::/16', '2002::/16', '2003::/32'], true],
  [['2001::/16', '2002::/16', '2001:db8::/32'], false],
  [[], false],
])('%j together are too many: %s', (texts, tooMany) => expect(areTooMany(parsed(texts))).toBe(tooMany));

it('writes a prefix without bits behind its length', () => {
  const texts = ['198.20.0.7/24', '203.0.113.7', '2001:DB8::7/32', '2001:db8::7'];
  const right = ['198.20.0.0/24', '203.0.113.7/32', '2001:db8::/32', '2001:db8::7/128'];
  expect(parsed(texts).map(masked)).toEqual(right);
});
