/** How loud the microphones of one side of a conference are, and when each last spoke. Pure; the time is passed in. */
import type { SourceId } from '#signalling/ids.ts';

/** Level of silence, dBov; 0 is the loudest (RFC 6464). */
export const SILENCE = -127;
/** From this level on a microphone counts as speaking, dBov: above the noise of a room, below a low voice. */
export const AUDIBLE = -60;

export interface Levels {
  /** dBov of those that speak; all others are silent. */
  heard: ReadonlyMap<SourceId, number>;
  /** When each of those that ever spoke was last heard, ms. */
  spokeAt: ReadonlyMap<SourceId, number>;
}

export function noLevels(): Levels {
  return { heard: new Map(), spokeAt: new Map() };
}

/** Takes what is heard now in place of what was heard before. @param sources those that are remembered */
export function hear(
  levels: Levels,
  heard: ReadonlyMap<SourceId, number>,
  sources: ReadonlySet<SourceId>,
  now: number,
): void {
  const spokeAt = new Map([...levels.spokeAt].filter(([source]) => sources.has(source)));
  for (const source of [...levels.heard.keys(), ...heard.keys()]) if (sources.has(source)) spokeAt.set(source, now);
  levels.heard = heard;
  levels.spokeAt = spokeAt;
}

/** Somebody spoke whose level is not known. */
export function noteSpoken(levels: Levels, source: SourceId, now: number): void {
  levels.spokeAt = new Map(levels.spokeAt).set(source, now);
}
