const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/**
 * How long to wait before the next attempt, ms: doubles from half a second to 15 s, spread over its upper half so that
 * the clients of a restarted server do not all come back in the same instant.
 * @param attempt failures in a row, 1 or more
 * @param random a number in [0, 1)
 */
export function backoffMs(attempt: number, random: number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 10));
  return Math.round(longest * (0.5 + random / 2));
}
