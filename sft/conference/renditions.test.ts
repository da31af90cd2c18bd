import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renditionsOf } from '#signalling/media-profile.ts';
import { type Flow, renditionsFor } from './renditions.ts';

const layers = fc.subarray([0, 1, 2], { minLength: 1 });
const single = (all: readonly number[]) => all.map((layer) => ({ layers: [layer] }));

describe('renditions of a source', () => {
  it('are one for each layer, in order', () => {
    fc.assert(
      fc.property(layers, (all) => {
        expect(renditionsOf('vp8', single(all.toReversed()))).toEqual(single(all));
      }),
    );
  });

  it('are one for VP9, which comes as one stream', () => {
    const whole = { layers: [0, 1, 2] };
    expect(renditionsOf('vp9', [whole])).toEqual([whole]);
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
});

describe('what a viewer is given', () => {
  const VP8 = [[0], [1], [2]];
  const flow = fc.constantFrom<Flow | undefined>('waiting', 'late', 'fresh', 'settled', undefined);
  const given = (renditions: number[][], wish: number, flows: readonly (Flow | undefined)[]) =>
    renditionsFor(renditions, wish, (rendition) => flows[rendition]).map(({ layer }) => layer);

  it('always has the lowest layer and the highest one that is of use', () => {
    fc.assert(
      fc.property(layers, fc.integer({ min: 0, max: 2 }), fc.array(flow), (all, wish, flows) => {
        const chosen = given(
          all.map((layer) => [layer]),
          wish,
          flows,
        );
        expect(chosen).toContain(all[0]);
        expect(chosen).toContain(all.filter((layer) => layer <= wish).at(-1) ?? all[0]);
      }),
    );
  });

  it('is nothing else once the wished layer has settled, or where it is the lowest', () => {
    expect(given(VP8, 2, ['settled', 'settled', 'settled'])).toEqual([0, 2]);
    expect(given(VP8, 1, [undefined, 'settled', 'settled'])).toEqual([0, 1]);
    expect(given(VP8, 0, [undefined, 'settled', 'settled'])).toEqual([0]);
  });

  it('keeps what is seen until the wished layer is there, up and down', () => {
    for (const before of ['waiting', 'fresh', undefined] as const) {
      expect(given(VP8, 2, [undefined, 'settled', before])).toEqual([0, 1, 2]);
      expect(given(VP8, 1, [undefined, before, 'settled'])).toContain(1);
      expect(renditionsFor(VP8, 1, (each) => [undefined, before, 'settled' as const][each])).toHaveLength(3);
    }
  });

  it('adds nothing that does not flow while the wished layer is on its way', () => {
    expect(given(VP8, 2, [undefined, undefined, 'waiting'])).toEqual([0, 2]);
    expect(given(VP8, 2, [undefined, 'waiting', 'fresh'])).toEqual([0, 2]);
  });

  it('has the next lower layer too where the wished one is late, and nothing above it', () => {
    expect(given(VP8, 2, [undefined, undefined, 'late'])).toEqual([0, 1, 2]);
    expect(given(VP8, 1, [undefined, 'late', 'settled'])).toEqual([0, 1]);
  });

  it('is the highest layer of use of VP9, whatever flows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 }), flow, (wish, each) => {
        expect(given([[0, 1, 2]], wish, [each])).toEqual([wish]);
      }),
    );
  });
});
