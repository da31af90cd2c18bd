import fc from 'fast-check';
import { expect, it } from 'vitest';
import { layerWithin, renditionsOf } from './renditions.ts';

const layers = fc.subarray([0, 1, 2], { minLength: 1 });

it('spreads every layer over exactly one rendition, in order', () => {
  fc.assert(
    fc.property(layers, (all) => {
      expect(renditionsOf(all).flat()).toEqual(all);
    }),
  );
});

it('gives every viewer a picture that is not above the wish where there is one', () => {
  fc.assert(
    fc.property(layers, fc.integer({ min: 0, max: 2 }), (all, wish) => {
      const given = renditionsOf(all).flatMap((each, index) => layerWithin(each, wish, index === 0) ?? []);
      const fitting = all.filter((layer) => layer <= wish);
      expect(given.length).toBeGreaterThan(0);
      expect(Math.max(...given)).toBe(fitting.at(-1) ?? all[0]);
    }),
  );
});

it.each([
  [
    [0, 1, 2],
    [[0], [1, 2]],
  ],
  [
    [0, 2],
    [[0], [2]],
  ],
  [[0], [[0]]],
])('spreads %j as %j', (all, renditions) => expect(renditionsOf(all)).toEqual(renditions));
