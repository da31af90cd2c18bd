/**
 * Finds media of a peer that nobody announced or asked for: streams above the ceiling of their kind, streams that flow
 * without demand, more in all than the peer's limit, and bytes that belong to no stream. It first says which sources to
 * refuse, and if that does not help, why to cut the peer off. Pure; one look a second, time passed in, ms.
 */
import type { ErrorCode } from '#signalling/errors.ts';
import type { SourceId } from '#signalling/ids.ts';
import { isVideo, type SourceKind } from '#signalling/media-profile.ts';
import { ceilingOf } from './bitrate.ts';
import { Sustained } from './sustained.ts';

export interface Arriving {
  readonly key: string;
  readonly source: SourceId;
  readonly kind: SourceKind;
  readonly layer: number;
  /** bit/s */
  readonly bitrate: number;
  /** Some layer of the source is asked for. */
  readonly demanded: boolean;
}

export interface Arrivals {
  readonly streams: readonly Arriving[];
  /** bit/s that came on the trunks and belong to no stream; RTCP is among them. */
  readonly unknown: number;
  /** bit/s that are sent to the peer, which answers them with RTCP. */
  readonly sending: number;
  /** The peer's limit, bit/s. */
  readonly limit: number;
}

export interface Judgement {
  readonly refuse: readonly SourceId[];
  readonly cut: ErrorCode | undefined;
}

/** How long it must last, ms: a demand that was withdrawn takes a moment to arrive, and key frames come in bursts. */
const LASTING_MS = 3_000;
const UNDEMANDED_MS = 5_000;
/** After a refusal, ms. */
const GOING_ON_MS = 5_000;
/** How long a refusal is remembered, ms. */
const MEMORY_MS = 60_000;
/** A stream that rests carries some RTCP and nothing else; bit/s. */
const MOST_UNDEMANDED = 30_000;
/** Above the limit by so much: an honest peer measures for itself and comes close. */
const OVER_LIMIT = 1.2;
/** RTCP of an honest peer: reports and requests about what it is sent. Bit/s, and share of what is sent. */
const MOST_UNKNOWN = 500_000;
const MOST_UNKNOWN_AFTER_REFUSAL = 100_000;
const RTCP_SHARE = 0.1;

export class Excess {
  readonly #streams = new Map<string, { readonly over: Sustained; readonly undemanded: Sustained }>();
  readonly #total = new Sustained(LASTING_MS);
  readonly #unknown = new Sustained(LASTING_MS);
  readonly #goingOn = new Sustained(GOING_ON_MS);
  readonly #refused = new Map<SourceId, number>();

  look(arrivals: Arrivals, now: number): Judgement {
    const { unknown, sending } = arrivals;
    for (const [source, at] of this.#refused) if (now - at > MEMORY_MS) this.#refused.delete(source);
    const refuse = new Set([...this.#tooFast(arrivals.streams, now), ...this.#overLimit(arrivals, now)]);
    const again = [...refuse].some((source) => this.#refused.has(source));
    const bound = sending * RTCP_SHARE;
    const goesOn = this.#refused.size > 0 && unknown > MOST_UNKNOWN_AFTER_REFUSAL + bound;
    const strange = this.#refused.size === 0 && refuse.size === 0 && unknown > MOST_UNKNOWN + bound;
    const goesOnLong = this.#goingOn.look(goesOn, now);
    const strangeLong = this.#unknown.look(strange, now);
    for (const source of refuse) this.#refused.set(source, now);
    // What is refused has to last anew before it counts again.
    for (const { key, source } of arrivals.streams) if (refuse.has(source)) this.#streams.delete(key);
    if (again || goesOnLong) return { refuse: [...refuse], cut: 'SFT_LINK_EXCESS' };
    return { refuse: [...refuse], cut: strangeLong ? 'SFT_LINK_UNKNOWN_STREAMS' : undefined };
  }

  #tooFast(streams: readonly Arriving[], now: number): SourceId[] {
    const keys = new Set(streams.map(({ key }) => key));
    for (const key of this.#streams.keys()) if (!keys.has(key)) this.#streams.delete(key);
    return streams.flatMap(({ key, source, kind, layer, bitrate, demanded }) => {
      const lasting = this.#streams.get(key) ?? {
        over: new Sustained(LASTING_MS),
        undemanded: new Sustained(UNDEMANDED_MS),
      };
      this.#streams.set(key, lasting);
      const over = lasting.over.look(bitrate > ceilingOf(kind, layer), now);
      const undemanded = lasting.undemanded.look(!demanded && bitrate > MOST_UNDEMANDED, now);
      return over || undemanded ? [source] : [];
    });
  }

  /** The sources to refuse so that the rest keeps to the limit, the fastest first. Sound alone is never too much. */
  #overLimit({ streams, limit }: Arrivals, now: number): SourceId[] {
    const pictures = streams.filter(({ kind }) => isVideo(kind));
    const total = streams.reduce((sum, { bitrate }) => sum + bitrate, 0);
    const seen = pictures.reduce((sum, { bitrate }) => sum + bitrate, 0);
    const over = total > limit * OVER_LIMIT && seen > limit * (OVER_LIMIT - 1);
    if (!this.#total.look(over, now)) return [];
    this.#total.reset();
    const refuse: SourceId[] = [];
    let left = total;
    for (const { source, bitrate } of pictures.toSorted((a, b) => b.bitrate - a.bitrate)) {
      if (left <= limit) break;
      left -= bitrate;
      refuse.push(source);
    }
    return refuse;
  }
}
