/** What a layer costs: as it was measured while it flowed, as the media profile says before that. One look a second. */
import type { SourceKind } from '#signalling/media-profile.ts';
import { nominalBitrate } from './bitrate.ts';

/** Looks after which a layer that may flow is worth what it carries, even if that is nothing: its publisher sends none. */
const SETTLED = 3;
/** Weight of the newest second: key frames make single ones stand out. */
const NEWEST = 0.5;

interface Estimate {
  bitrate: number;
  measured: boolean;
  looks: number;
}

export class Estimates {
  readonly #estimates = new Map<string, Estimate>();

  /**
   * @param flowing bit/s in the last second
   * @param allowed it was asked for and not left out
   */
  look(key: string, kind: SourceKind, layer: number, flowing: number, allowed: boolean): number {
    let estimate = this.#estimates.get(key);
    if (!estimate) {
      estimate = { bitrate: nominalBitrate(kind, layer), measured: false, looks: 0 };
      this.#estimates.set(key, estimate);
    }
    if (!allowed) {
      estimate.looks = 0;
      return estimate.bitrate;
    }
    estimate.looks += 1;
    // A second in which it began to flow shows only a part of it.
    if (estimate.looks < SETTLED) return Math.max(estimate.bitrate, flowing);
    estimate.bitrate = estimate.measured ? estimate.bitrate * (1 - NEWEST) + flowing * NEWEST : flowing;
    estimate.measured = true;
    return estimate.bitrate;
  }

  /** Forgets what nobody wants any more. */
  keep(keys: { has(key: string): boolean }): void {
    for (const key of this.#estimates.keys()) if (!keys.has(key)) this.#estimates.delete(key);
  }
}
