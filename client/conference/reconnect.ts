/**
 * Whether a call whose connection broke is joined again, and when. Pure: what failed and the time go in, what is to be done next comes out.
 *
 * A series of attempts begins with a loss and ends when the connection has held for a while, so that one which breaks again and again is not
 * tried for ever. A call that is over, and a person who was taken out of it or went on elsewhere, is no broken connection.
 */
import type { Failure } from '../failure.ts';

/** How long it is tried, from the loss on. ms */
export const TRIED_MS = 120_000;
const FIRST_MS = 1_000;
const LONGEST_MS = 16_000;
/** A connection that held for so long was a good one. ms */
export const STEADY_MS = 10_000;

/** What ends a connection and not the call. */
const BREAKS: readonly string[] = ['CONNECTION_LOST', 'MEDIA_LOST', 'SFT_SHUTTING_DOWN', 'SFT_WORKER_DIED'];

export interface Loss {
  readonly failure: Failure;
  /** How long the connection had held, ms. */
  readonly heldMs: number;
  /** Whether sound or picture went through it. */
  readonly carried: boolean;
}

/** Attempts to come back, since a connection that was good was lost. */
export interface Series {
  /** When it was lost; ms of a clock that only goes forward. */
  readonly since: number;
  readonly failures: number;
}

/**
 * @param before the series in which the connection had been made; undefined where it was the first one
 * @returns undefined where nothing is to be tried
 */
export function afterLoss(
  { failure, heldMs, carried }: Loss,
  before: Series | undefined,
  now: number,
): Series | undefined {
  if (!BREAKS.includes(failure.code)) return undefined;
  // Where nothing ever got through, it is no matter of time: a firewall, for instance.
  const isUseless = failure.code === 'MEDIA_LOST' && !carried;
  if (!before) return isUseless ? undefined : { since: now, failures: 0 };
  return isUseless || heldMs < STEADY_MS ? { ...before, failures: before.failures + 1 } : { since: now, failures: 0 };
}

/** @returns undefined where what was answered is final: the call is over, for instance */
export function afterFailure(failure: Failure, series: Series): Series | undefined {
  return failure.retry ? { ...series, failures: series.failures + 1 } : undefined;
}

/**
 * How long to wait before the next attempt: one second, two, four and so on, spread over the upper half, so that not everybody who was on one
 * media server comes back in the same instant.
 * @param random 0 to 1
 * @returns ms; undefined where it was tried for long enough
 */
export function waitMs({ since, failures }: Series, now: number, random: number): number | undefined {
  if (now - since >= TRIED_MS) return undefined;
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return Math.min(Math.round(longest * (0.5 + random / 2)), since + TRIED_MS - now);
}
