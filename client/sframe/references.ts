/**
 * Behind a picture, and encrypted with it: how many frames of the same encoder ago the pictures were that it builds on. So nobody on the
 * way can leave one out and have the rest shown as if nothing was missing.
 */

const MAX_REFERENCES = 8;
const MAX_DISTANCE = 0xff;

/** @param distances each from 1 to 255; none of a key frame */
export function writeReferences(distances: readonly number[]): Uint8Array {
  if (distances.length > MAX_REFERENCES || !distances.every((each) => each >= 1 && each <= MAX_DISTANCE))
    throw new RangeError(`references of a picture: ${distances}`);
  return Uint8Array.of(...distances, distances.length);
}

/** @returns undefined where there are none at the end of it */
export function readReferences(
  bytes: Uint8Array,
): { readonly bytes: Uint8Array; readonly distances: number[] } | undefined {
  const count = bytes.at(-1);
  if (count === undefined || count > MAX_REFERENCES || count >= bytes.length) return undefined;
  const end = bytes.length - 1 - count;
  const distances = [...bytes.subarray(end, -1)];
  return distances.every((each) => each > 0) ? { bytes: bytes.subarray(0, end), distances } : undefined;
}
