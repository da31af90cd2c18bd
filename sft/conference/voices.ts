/**
 * Which voices may cross to other organisations: the loudest of the whole conference, and a warm set of those who are
 * likely to speak next and must not lose a first syllable. Every SFT ranks alike what it knows of all sides, and lets
 * its own people's voices go by it. Pure; the time is passed in.
 */
import type { SourceId } from '#signalling/ids.ts';
import { type Conference, sourcesOf } from './conference.ts';
import { AUDIBLE, SILENCE } from './levels.ts';

/** How long a voice keeps its place among the loud ones after it fell silent, ms: longer than a pause for breath. */
export const HOLD_MS = 2_000;
/** By how much a voice must be louder to take such a place, dB; two who are equally loud would swap at each tick. */
export const MARGIN_DB = 6;

/** One microphone of the conference, on whatever side. */
export interface Voice {
  readonly source: SourceId;
  /** dBov, `SILENCE` to 0. */
  readonly level: number;
  /** ms of the clock that is passed in; absent for who has not spoken yet. */
  readonly spokeAt?: number | undefined;
  readonly hand: boolean;
  readonly muted: boolean;
}

/** Every microphone of the conference. */
export function voicesOf(conference: Conference): Voice[] {
  const voices: Voice[] = [];
  for (const { source, side } of sourcesOf(conference)) {
    if (source.kind !== 'microphone') continue;
    const { heard, spokeAt } = (side ?? conference).levels;
    voices.push({
      source: source.source,
      level: heard.get(source.source) ?? SILENCE,
      spokeAt: spokeAt.get(source.source),
      hand: (side?.participants ?? conference.local).get(source.participant)?.hand ?? false,
      muted: source.muted,
    });
  }
  return voices;
}

/** How many voices may cross. */
export interface VoiceLimits {
  readonly loud: number;
  readonly warm: number;
}

/** Until when each of the loud voices keeps its place, ms. */
export type Held = ReadonlyMap<SourceId, number>;

export const NOTHING_HELD: Held = new Map();

export interface Crossing {
  /** The loud ones first, loudest first, then the warm ones, likeliest first. */
  readonly voices: ReadonlySet<SourceId>;
  readonly held: Held;
  /** When the choice changes by itself, ms; undefined while it does not. */
  readonly nextAt: number | undefined;
}

/** The choice, given the places that were held before. It does not depend on the order of the voices. */
export function crossing(all: Iterable<Voice>, limits: VoiceLimits, before: Held, now: number): Crossing {
  const voices = [...all].filter(({ muted }) => !muted);
  const holds = ({ source }: Voice) => (before.get(source) ?? 0) > now;
  const strength = (voice: Voice) => voice.level + (holds(voice) ? MARGIN_DB : 0);
  const loud = voices
    .filter((voice) => speaks(voice) || holds(voice))
    .sort((a, b) => strength(b) - strength(a) || byId(a, b))
    .slice(0, limits.loud);
  const held = new Map<SourceId, number>();
  let nextAt: number | undefined;
  for (const voice of loud) {
    const until = speaks(voice) ? now + HOLD_MS : (before.get(voice.source) ?? now);
    held.set(voice.source, until);
    if (!speaks(voice)) nextAt = Math.min(nextAt ?? until, until);
  }
  const warm = voices
    .filter(({ source }) => !held.has(source))
    .sort(byLikelihood(now))
    .slice(0, limits.warm);
  return { voices: new Set([...loud, ...warm].map(({ source }) => source)), held, nextAt };
}

export function speaks({ level }: Pick<Voice, 'level'>): boolean {
  return level >= AUDIBLE;
}

/** Whoever spoke within this time is likelier to speak next than a raised hand, ms: a dialogue goes on. */
const DIALOGUE_MS = 30_000;

/** Who speaks now but is not loud enough, then the dialogue, raised hands, earlier speakers, and everybody else. */
function byLikelihood(now: number): (a: Voice, b: Voice) => number {
  const tier = (voice: Voice) => {
    if (speaks(voice)) return 0;
    if (now - spokeAt(voice) < DIALOGUE_MS) return 1;
    return voice.hand ? 2 : 3;
  };
  const within = (a: Voice, b: Voice) => (speaks(a) ? b.level - a.level : compare(spokeAt(b), spokeAt(a)));
  return (a, b) => tier(a) - tier(b) || within(a, b) || byId(a, b);
}

function spokeAt({ spokeAt: at }: Voice): number {
  return at ?? Number.NEGATIVE_INFINITY;
}

/** Differences of infinities are no number. */
function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byId(a: Voice, b: Voice): number {
  return compare(a.source, b.source);
}
