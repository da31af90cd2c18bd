/** What the organisation accepts, as figures. */
import type { AssetKind } from '#signalling/assets.ts';
import type { Site } from '#site/schema.ts';

export interface AssetRules {
  /** Of one file before it is encrypted, bytes. */
  readonly maxBytes: number;
  readonly kinds: readonly AssetKind[];
  /** Of the files of one person, of everybody, bytes. */
  readonly userBytes: number;
  readonly totalBytes: number;
  /** An upload to which nothing was added for so long is thrown away. */
  readonly stalledMs: number;
  /** Undefined where files are kept. */
  readonly keepDays: number | undefined;
}

const MB = 1_000_000;
const HOUR_MS = 3_600_000;

export const DAY_MS = 24 * HOUR_MS;

export function rulesOf({ homeserver: { assets } }: Site): AssetRules {
  return {
    maxBytes: assets.fileMb * MB,
    kinds: assets.kinds,
    userBytes: assets.userMb * MB,
    totalBytes: assets.totalMb * MB,
    stalledMs: assets.stalledHours * HOUR_MS,
    keepDays: assets.keepDays,
  };
}
