import fc from 'fast-check';
import { expect, it } from 'vitest';
import { rangeOf } from './range.ts';

it.each([
  ['bytes=0-0', { from: 0, to: 0 }],
  ['bytes=0-99', { from: 0, to: 99 }],
  ['bytes=0-100', { from: 0, to: 99 }],
  ['bytes=10-', { from: 10, to: 99 }],
  ['bytes=-10', { from: 90, to: 99 }],
  ['bytes=-1000', { from: 0, to: 99 }],
  ['Bytes=5-5', { from: 5, to: 5 }],
  ['bytes=99999999999999999999-', 'unsatisfiable'],
  ['bytes=100-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=-', 'unsatisfiable'],
  ['bytes=5-4', 'unsatisfiable'],
  ['bytes=--5', 'unsatisfiable'],
  ['bytes=-5-', 'unsatisfiable'],
  ['bytes=1e1-', 'unsatisfiable'],
  ['bytes= 1-2', 'unsatisfiable'],
  [`bytes=0-${'9'.repeat(70)}`, 'unsatisfiable'],
  ['bytes=0-1,5-6', 'whole'],
  ['pages=1-2', 'whole'],
  ['', 'whole'],
  [undefined, 'whole'],
])('%s of 100 bytes', (header, expected) => expect(rangeOf(header, 100)).toEqual(expected));

it('never leads out of the file, whatever the header is', () => {
  const number = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 70n }).map(String), fc.constant(''), fc.string());
  fc.assert(
    fc.property(number, number, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (first, last, size) => {
      const range = rangeOf(`bytes=${first}-${last}`, size);
      if (typeof range === 'string') return;
      expect(range.from).toBeGreaterThanOrEqual(0);
      expect(range.to).toBeGreaterThanOrEqual(range.from);
      expect(range.to).toBeLessThan(size);
    }),
  );
});
