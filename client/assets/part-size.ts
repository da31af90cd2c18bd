/**
 * How much goes in one request. The homeserver gives a request 15 s; a part that takes one or two is soon acknowledged over
 * a telephone and costs no round trip worth mentioning over a fast line. Pure.
 */

const SMALLEST = 64 * 1024;
export const FIRST_PART = 512 * 1024;
export const LARGEST_PART = 8 * 1024 * 1024;

const SHORT_MS = 700;
const LONG_MS = 3_000;

/**
 * @param size that parts have now, bytes @param sent what the last request carried; that a remainder went quickly says nothing
 * @param ms it took; undefined where it failed @param most that the server takes
 */
export function nextPartSize(size: number, sent: number, ms: number | undefined, most: number): number {
  let next = size;
  if (ms === undefined || ms > LONG_MS) next = size / 2;
  else if (ms < SHORT_MS && sent >= size) next = size * 2;
  return Math.floor(Math.min(Math.max(SMALLEST, next), LARGEST_PART, most));
}
