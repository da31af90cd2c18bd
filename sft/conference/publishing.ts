/**
 * What the publishers of this SFT are to send: a layer that nobody anywhere watches is not even encoded. Pure; the time is
 * passed in.
 */
import type { SourceId } from '#signalling/ids.ts';
import { isVideo } from '#signalling/media-profile.ts';
import { type Conference, type Source, sourcesOf } from './conference.ts';
import { type Asked, ask, NOTHING_ASKED, type Wanted, watchedLayers } from './demand.ts';

/**
 * How long a publisher goes on with a layer after the last viewer has left it, ms. Longer than a link waits, because it costs
 * nobody else anything and an encoder that starts anew costs a key frame.
 */
export const STOP_MS = 5_000;

/**
 * The layers that are of use to somebody of each picture that is published here: to viewers of this SFT and all links together.
 */
export function neededHere(conference: Conference): Wanted {
  const needed = new Map<SourceId, readonly number[]>();
  for (const located of sourcesOf(conference)) {
    const { source, side } = located;
    if (side !== undefined || !isVideo(source.kind)) continue;
    const layers = watchedLayers(conference, located);
    // A screen that is hard to read is of no use to anybody.
    if (layers.length > 0) needed.set(source.source, source.kind === 'screen' ? source.layers : layers);
  }
  return needed;
}

export interface Publishing {
  readonly asked: Asked;
  /** The layers that are to be sent of each picture that is published here, ascending; empty where nobody watches. */
  readonly layers: Wanted;
  /** When that changes by itself, ms; undefined while it does not. */
  readonly nextAt: number | undefined;
}

export const NOTHING_PUBLISHED: Publishing = { asked: NOTHING_ASKED, layers: new Map(), nextAt: undefined };

/**
 * Folds what is watched now with what was sent before. A source begins with all of its layers, so that the first viewer does
 * not wait for an encoder; where nobody has come for them they stop like any other.
 */
export function publishingOf(before: Publishing, conference: Conference, now: number): Publishing {
  const sources = [...picturesOf(conference)];
  const asked = new Map(
    sources.map(({ source, layers }) => {
      const begins = new Map(layers.map((layer) => [layer, Number.POSITIVE_INFINITY]));
      return [source, before.layers.has(source) ? (before.asked.get(source) ?? new Map<number, number>()) : begins];
    }),
  );
  const demand = ask(asked, neededHere(conference), now, STOP_MS);
  const layers = new Map(sources.map(({ source }) => [source, demand.layers.get(source) ?? []]));
  return { asked: demand.asked, layers, nextAt: demand.nextAt };
}

function* picturesOf(conference: Conference): Generator<Source> {
  for (const { sources } of conference.local.values()) {
    for (const source of sources.values()) if (isVideo(source.kind)) yield source;
  }
}
