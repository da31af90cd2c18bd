/**
 * What a link would carry of one conference, layer by layer and in each direction, before anything is left out of it; and
 * what is left out. Pure.
 */
import type { ParticipantId, SourceId } from '#signalling/ids.ts';
import { isVideo, type SourceKind } from '#signalling/media-profile.ts';
import { mayReceive } from './access.ts';
import { type Conference, type Side, type Source, sourcesOf } from './conference.ts';
import type { Wanted } from './demand.ts';

export interface WantedLayer {
  readonly source: SourceId;
  readonly kind: SourceKind;
  readonly layer: number;
  /** The source belongs to the active speaker. */
  readonly speaker: boolean;
  /** It is a camera of which nobody on the receiving side watches the highest layer. */
  readonly thumbnail: boolean;
}

/** Layers left out of what a side wants of us (`outgoing`) and of what we want of it, by `layerKey`. */
export interface SideShed {
  readonly outgoing: ReadonlySet<string>;
  readonly incoming: ReadonlySet<string>;
}

export const NOTHING_LEFT_OUT: SideShed = { outgoing: new Set(), incoming: new Set() };

export function layerKey(source: SourceId, layer: number): string {
  return `${source} ${layer}`;
}

/**
 * The layers of a source that the side asks for and that there are.
 * @param voices the microphones that may cross; all of them when left out
 */
export function wantedBy(side: Side, source: Source, voices?: ReadonlySet<SourceId>): readonly number[] {
  if (source.muted || (!isVideo(source.kind) && voices?.has(source.source) === false)) return [];
  return (side.demand.get(source.source) ?? []).filter((layer) => source.layers.includes(layer));
}

export function withoutShed(wanted: Wanted, shed: ReadonlySet<string>): Wanted {
  if (shed.size === 0) return wanted;
  return new Map(
    [...wanted].flatMap(([source, layers]) => {
      const left = layers.filter((layer) => !shed.has(layerKey(source, layer)));
      return left.length > 0 ? [[source, left] as const] : [];
    }),
  );
}

export function outgoingLayers(
  conference: Conference,
  side: Side,
  speaker: ParticipantId | undefined,
  voices?: ReadonlySet<SourceId>,
): readonly WantedLayer[] {
  return [...sourcesOf(conference)].flatMap(({ source }) => {
    const wanted = wantedBy(side, source, voices);
    if (wanted.length === 0 || !mayReceive(conference, { kind: 'side', side }, source.source)) return [];
    return layersOf(source, wanted, speaker);
  });
}

/** @param asked what is asked of the side before anything is left out */
export function incomingLayers(side: Side, asked: Wanted, speaker: ParticipantId | undefined): readonly WantedLayer[] {
  return [...asked].flatMap(([id, wanted]) => {
    const source = side.sources.get(id);
    return source && !source.muted ? layersOf(source, wanted, speaker) : [];
  });
}

function layersOf(source: Source, wanted: readonly number[], speaker: ParticipantId | undefined): WantedLayer[] {
  const thumbnail = isVideo(source.kind) && Math.max(...wanted) < Math.max(...source.layers);
  return wanted.map((layer) => ({
    source: source.source,
    kind: source.kind,
    layer,
    speaker: source.participant === speaker,
    thumbnail,
  }));
}
