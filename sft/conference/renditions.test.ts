import fc from 'fast-check';
import { expect, it } from 'vitest';
import { renditionsOf } from '#signalling/media-profile.ts';
import { layerWithin } from './renditions.ts';

const layers = fc.subarray([0, 1, 2], { minLength: 1 });
const single = (all: readonly number[]) => all.map((layer) => ({ layers: [layer] }));
const spread = (all: readonly number[]) =>
  renditionsOf('vp8', single(all)).map((streams) => streams.flatMap((stream) => stream.layers));

it('spreads every layer over exactly one rendition, in order', () => {
  fc.assert(
    fc.property(layers, (all) => {
      expect(spread(all.toReversed()).flat()).toEqual(all);
    }),
  );
});

it('gives every viewer a picture that is not above the wish where there is one', () => {
  fc.assert(
    fc.property(layers, fc.integer({ min: 0, max: 2 }), (all, wish) => {
      const given = spread(all).flatMap((each, index) => layerWithin(each, wish, index === 0) ?? []);
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
])('spreads %j as %j', (all, renditions) => expect(spread(all)).toEqual(renditions));

it('keeps the layers of VP9 together, which come as one stream', () => {
  const whole = { layers: [0, 1, 2] };
  expect(renditionsOf('vp9', [whole])).toEqual([[whole]]);
});

it.each([
  ['vp9', [[0], [1, 2]]],
  ['vp8', [[0, 1, 2]]],
  ['vp8', [[0], [0]]],
  ['opus', [[0, 1]]],
] as const)('refuses as %s the streams %j', (codec, streams) => {
  expect(() =>
    renditionsOf(
      codec,
      streams.map((each) => ({ layers: each })),
    ),
  ).toThrow(codec);
});
