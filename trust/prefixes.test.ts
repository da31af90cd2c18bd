import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { isPrefix, withinPrefixes } from './prefixes.ts';

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

it('never fails on nonsense', () => {
  fc.assert(fc.property(fc.string(), fc.array(fc.string()), (ip, prefixes) => void withinPrefixes(ip, prefixes)));
});
