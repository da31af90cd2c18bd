/** What a viewer is given of a source that comes as several renditions; see `renditionsOf`. Pure. */

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
