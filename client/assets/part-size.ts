/**
 * How much goes in one request. The homeserver gives a request 15 s; a part that takes one or two is soon acknowledged over
 * a telephone and costs no round trip worth mentioning over a fast line. Pure.
 */

const SMALLEST = 64 * 1024;
export const FIRST_PART = 512 * 1024;
export const LARGEST_PART = 8 * 1024 * 1024;

const SHORT_MS = 700;
const LONG_MS = 3_000;

/** @param size of the part that went, bytes @param ms it took; undefined where it failed @param most that the server takes */
export function nextPartSize(size: number, ms: number | undefined, most: number): number {
  const next = ms === undefined || ms > LONG_MS ? size / 2 : ms < SHORT_MS ? size * 2 : size;
  return Math.floor(Math.max(SMALLEST, Math.min(next, LARGEST_PART, most)));
}
