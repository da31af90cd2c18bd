import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nestingWithin } from './nesting.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

it('measures the nesting of any JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 0, max: 10 }), (value, limit) => {
      expect(nestingWithin(JSON.stringify(value), limit)).toBe(depthOf(value) <= limit);
    }),
  );
});

it('is not fooled by brackets and quotes inside strings', () => {
  expect(nestingWithin(JSON.stringify({ a: '[[[[[{{{', b: '\\"[[[[' }), 1)).toBe(true);
});
