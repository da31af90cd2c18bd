/** From tiles to wishes: which layer of each picture is of use here. Pure. */
import type { Roster, Wish } from '#signalling/client-sft.ts';
import type { SourceId } from '#signalling/ids.ts';
import { CAMERA_ENCODINGS, type Codec, isVideo } from '#signalling/media-profile.ts';

/**
 * How tall a source is shown, in device pixels; `none`: not at all. What nobody spoke about yet is assumed to be shown as
 * `assumed`, so that the first picture needs not wait for the first layout.
 */
export type Shown = number | 'none';

/** Height of the camera's full picture. */
const CAMERA_HEIGHT = 720;

/**
 * A picture may be stretched by this factor before the next layer is worth its bits: 1.34 keeps a tile of 240 pixels on
 * the layer of 180 lines, where VP8 at 150 kbit/s is limited by its bits and not by its lines.
 */
const STRETCH = 1.34;

/** The smallest layer that fills so many lines, else the largest there is. @param layers ascending */
export function layerFor(pixels: number, layers: readonly number[]): number | undefined {
  const good = layers.find((layer) => linesOf(layer) * STRETCH >= pixels);
  return good ?? layers.at(-1);
}

function linesOf(layer: number): number {
  const encoding = CAMERA_ENCODINGS[layer];
  return encoding === undefined ? Number.POSITIVE_INFINITY : CAMERA_HEIGHT / encoding.scaleResolutionDownBy;
}

/**
 * All wishes of a viewer; in the order of the roster, so that equal states give equal statements. What this device does not
 * decode is not wished for, so that it does not cross a trunk in vain.
 */
export function wishesFor(
  roster: Roster,
  own: string,
  shown: ReadonlyMap<SourceId, Shown>,
  assumed: Shown,
  decodes: (codec: Codec) => boolean,
): readonly Wish[] {
  const wishes: Wish[] = [];
  for (const { participant, sources } of roster.participants) {
    if (participant === own) continue;
    for (const { source, kind, codec, layers } of sources) {
      const pixels = shown.get(source) ?? assumed;
      if (!isVideo(kind) || !decodes(codec) || pixels === 'none') continue;
      const layer = kind === 'screen' ? layers.at(-1) : layerFor(pixels, layers);
      if (layer !== undefined) wishes.push({ source, layer });
    }
  }
  return wishes.slice(0, 256); // the protocol's limit; no screen shows more
}
