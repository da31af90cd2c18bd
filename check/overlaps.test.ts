import fc from 'fast-check';
import { expect, it } from 'vitest';
import { costOf } from '#signalling/testing-cost.ts';
import { parsePrefix, withinPrefixes } from '#trust/prefixes.ts';
import { type OwnedPrefix, overlaps } from './overlaps.ts';

function owned(domain: string, text: string): OwnedPrefix {
  const prefix = parsePrefix(text);
  if (!prefix) throw new Error(text);
  return { domain, prefix, option: { path: text, value: text, place: { line: 1, column: 1 } } };
}

const holds = (a: OwnedPrefix, b: OwnedPrefix) =>
  a.prefix.length <= b.prefix.length && withinPrefixes(b.prefix.address, [a.option.value]);

it('finds whoever shares addresses with another domain, and nobody else', () => {
  const four = fc
    .tuple(fc.constantFrom('10.0.0.0', '10.0.128.0', '10.1.0.0', '198.21.7.9'), fc.integer({ min: 6, max: 32 }))
    .map(([address, length]) => `${address}/${length}`);
  const six = fc
    .tuple(fc.constantFrom('2001:db8::', '2001:db8:0:8000::', '::a00:0', 'fd00::1'), fc.integer({ min: 6, max: 128 }))
    .map(([address, length]) => `${address}/${length}`);
  const one = fc
    .tuple(fc.constantFrom('a', 'b', 'c'), fc.oneof(four, six))
    .map(([domain, text]) => owned(domain, text));
  fc.assert(
    fc.property(fc.array(one, { maxLength: 8 }), (all) => {
      const pairs = overlaps(all);
      for (const [later, earlier] of pairs) {
        expect(later.domain).not.toBe(earlier.domain);
        expect(holds(later, earlier) || holds(earlier, later)).toBe(true);
        expect(all.indexOf(later)).toBeGreaterThan(all.indexOf(earlier));
      }
      const isAny = all.some((a) => all.some((b) => a.domain !== b.domain && holds(a, b)));
      expect(pairs.length > 0).toBe(isAny);
    }),
    { numRuns: 300 },
  );
});

it('goes through many thousands of them in one pass', () => {
  const all = Array.from({ length: 20_000 }, (_, i) =>
    owned(`${i}`, i % 2 === 0 ? '10.0.0.0/8' : `11.${i % 256}.0.0/16`),
  );
  expect(costOf(() => expect(overlaps(all).length).toBeGreaterThan(18_000))).toBeLessThan(2_000);
});
