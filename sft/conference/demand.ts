/**
 * What this SFT wants of the sources that a link offers. A far side is one more viewer: it folds the wishes of its own
 * people into one statement, and whoever sends obeys that statement and nothing else. Pure; the time is passed in.
 */
import type { SourceId } from '#signalling/ids.ts';
import { isVideo } from '#signalling/media-profile.ts';
import { mayReceive, maySend } from './access.ts';
import {
  type Conference,
  type LocalParticipant,
  type Located,
  type Side,
  type Source,
  sourcesOf,
} from './conference.ts';

/**
 * What crosses to another domain.
 *
 * - `everything`: all sources and all layers whenever anybody is there to receive them, as the pipes of other designs do.
 *   It is the baseline that benchmarks compare with.
 * - `sources`: all layers of the pictures that somebody over there watches.
 * - `layers`: the layers that somebody over there watches.
 *
 * All voices are asked for in each of them: it is the sender who knows first that somebody speaks up, so that it lets
 * those cross that matter, except in the mode `everything`; see `voices.ts`.
 */
export type TrunkMode = 'everything' | 'sources' | 'layers';

/** Layers by source; ascending, without repetition. */
export type Wanted = ReadonlyMap<SourceId, readonly number[]>;

/** How long a layer is still asked of a link after nobody wants it any more, ms: people who look around come back. */
export const RELEASE_MS = 2_000;

/** The layers wanted now of each source of the side, in the order in which the sources were announced. */
export function wantedOf(conference: Conference, side: Side, mode: TrunkMode): Wanted {
  const wanted = new Map<SourceId, readonly number[]>();
  for (const located of sourcesOf(conference)) {
    const { source } = located;
    if (located.side !== side || !maySend(conference, source.participant, source.kind)) continue;
    if (!hasReceivers(conference, source.source)) continue;
    const all = mode === 'everything' || !isVideo(source.kind);
    const watched = all ? source.layers : watchedLayers(conference, located);
    if (watched.length > 0) wanted.set(source.source, mode === 'layers' ? watched : source.layers);
  }
  return wanted;
}

/**
 * The union of what viewers here and sides behind links want of a source, wherever it comes from. Whoever wants a high layer
 * is given the lowest too: a viewer whose path gets worse goes on with it at once, where without it the picture stood still
 * for 7 s.
 */
export function watchedLayers(conference: Conference, { source, side }: Located): number[] {
  const { layers } = source;
  const watched = new Set<number>();
  // In the place of what the link has no room for nothing else is asked: it would take the room that is waited for.
  const mayBridge = !source.muted && side?.missing.has(source.source) !== true;
  for (const viewer of conference.local.values()) {
    if (viewer.participant !== source.participant)
      for (const layer of watchedBy(viewer, source, mayBridge)) watched.add(layer);
  }
  for (const other of conference.sides.values()) {
    // The demand of a side for what it may not receive is a lie: nothing is fetched for it.
    if (!mayReceive(conference, { kind: 'side', side: other }, source.source)) continue;
    for (const layer of other.demand.get(source.source) ?? []) if (layers.includes(layer)) watched.add(layer);
  }
  if (watched.size > 0 && layers[0] !== undefined) watched.add(layers[0]);
  return [...watched].sort((a, b) => a - b);
}

/**
 * The layers that one viewer takes of a source: the wished one, and where that does not come and may be bridged, the next lower
 * one. A key frame that comes before the client is ready for it is missed, and the next one comes only after Chromium's 300 ms
 * (measured: 400 ms to a large picture instead of 100).
 */
function watchedBy(
  { receives, wishes, ready, late }: LocalParticipant,
  { source, layers }: Source,
  mayBridge: boolean,
): readonly number[] {
  const wish = receives ? wishes.get(source) : undefined;
  if (wish === undefined) return [];
  const taken = ready === undefined ? layers : layers.filter((layer) => ready.get(source)?.has(layer));
  const use = taken.filter((layer) => layer <= Math.max(wish, layers[0] ?? wish));
  return use.slice(late?.has(source) && mayBridge ? -2 : -1);
}

/** Anybody here, or behind another link, to whom the source could go. */
function hasReceivers(conference: Conference, source: SourceId): boolean {
  if (conference.local.size > 0) return true;
  for (const side of conference.sides.values()) {
    if (side.participants.size > 0 && mayReceive(conference, { kind: 'side', side }, source)) return true;
  }
  return false;
}

/** Until when each layer is asked for, ms; endless while it is wanted. */
export type Asked = ReadonlyMap<SourceId, ReadonlyMap<number, number>>;

export interface Demand {
  readonly asked: Asked;
  /** What to state to the side. */
  readonly layers: Wanted;
  /** When the demand changes by itself, ms; undefined while it does not. */
  readonly nextAt: number | undefined;
}

export const NOTHING_ASKED: Asked = new Map();

/**
 * Up at once, down after a while: what is wanted is asked for now, what is no longer wanted is asked for some time longer.
 * On the way down to a lower layer both are asked for meanwhile, so that viewers have moved before the higher one stops.
 * @param releaseMs how long that is
 */
export function ask(before: Asked, wanted: Wanted, now: number, releaseMs: number): Demand {
  const asked = new Map<SourceId, Map<number, number>>();
  for (const [source, layers] of wanted)
    asked.set(source, new Map(layers.map((layer) => [layer, Number.POSITIVE_INFINITY])));
  let nextAt: number | undefined;
  for (const [source, layers] of before) {
    for (const [layer, until] of layers) {
      if (wanted.get(source)?.includes(layer)) continue;
      const end = Math.min(until, now + releaseMs);
      if (end <= now) continue;
      const kept = asked.get(source) ?? new Map<number, number>();
      asked.set(source, kept.set(layer, end));
      nextAt = Math.min(nextAt ?? end, end);
    }
  }
  const layers = new Map([...asked].map(([source, each]) => [source, [...each.keys()].sort((a, b) => a - b)]));
  return { asked, layers, nextAt };
}
