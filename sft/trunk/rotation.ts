/**
 * When a trunk is to be replaced by one with new keys. A key may protect 2^48 packets of one SSRC (RFC 7714, section 8), which
 * no call sends; the bounds are those of the register of SSRCs, and of what a lost key would give away.
 */

export interface RotationLimits {
  /** Streams ever sent under one key, repair streams included. */
  readonly streams: number;
  /** ms */
  readonly ageMs: number;
}

export const ROTATION: RotationLimits = { streams: 2_000, ageMs: 24 * 60 * 60_000 };

/** A peer that asks for another trunk sooner only keeps us busy, ms. */
export const LEAST_AGE_MS = 1_000;

/** How long viewers have to move before the old trunk is closed, ms; ordinarily it takes less than one second. */
export const RETIRE_MS = 10_000;

export function isDue(
  trunk: { readonly streamsUsed: number; readonly ageMs: number },
  limits: RotationLimits,
): boolean {
  return trunk.streamsUsed >= limits.streams || trunk.ageMs >= limits.ageMs;
}
