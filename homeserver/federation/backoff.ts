/** How long to leave a domain alone after failures: 1 s doubling to 5 min, with jitter against herds. Pure. */

const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;

/**
 * @param failures in a row, 1 or more
 * @param chance 0 to 1, random
 * @returns ms
 */
export function backoffMs(failures: number, chance: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** (Math.min(failures, 20) - 1));
  return Math.round(full * (0.5 + chance / 2));
}
