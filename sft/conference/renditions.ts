/**
 * How the layers of a camera are spread over producers where it arrives from a trunk, and what of them a viewer is given.
 *
 * A viewer who is given layer 0 and wants layer 2 of one producer waits two seconds for it: mediasoup prefers a stream that
 * has been active for that long to a young one (measured with 3.27.1). So the smallest layer is a producer of its own, and
 * the others another one, of which nothing is older than the rest: its first picture comes after 40 to 90 ms, and while it
 * has none the small one is there. VP9 needs none of this: all of its layers are one stream, and so one rendition.
 */
import type { Codec } from '#signalling/media-profile.ts';

interface Stream {
  readonly layers: readonly number[];
}

/**
 * @param streams of one source
 * @returns the streams of each rendition, the smallest layers first
 * @throws Error where the streams are not those of the codec: one for all layers in VP9, one for each layer otherwise
 */
export function renditionsOf<S extends Stream>(codec: Codec, streams: readonly S[]): S[][] {
  const layers = streams.flatMap((stream) => stream.layers);
  const isOfCodec = codec === 'vp9' ? streams.length === 1 : layers.length === streams.length;
  if (!isOfCodec || new Set(layers).size < layers.length) throw new Error(`streams that are not those of ${codec}`);
  const ascending = streams.toSorted((a, b) => (a.layers[0] ?? 0) - (b.layers[0] ?? 0));
  return ascending.length < 2 ? [ascending] : [ascending.slice(0, 1), ascending.slice(1)];
}

/**
 * The highest layer that a viewer is given of one rendition.
 * @param layers of the rendition, ascending
 * @param wish the highest layer that is of use to the viewer
 * @param isLowest whether no other rendition of the source has lower layers: it is given whatever the wish
 * @returns undefined where the rendition is of no use
 */
export function layerWithin(layers: readonly number[], wish: number, isLowest: boolean): number | undefined {
  return layers.findLast((layer) => layer <= wish) ?? (isLowest ? layers[0] : undefined);
}
