/** What of an encoded frame stays in the clear, by its codec: what whoever forwards it needs, and not a bit more. */

import { clearBytesOfH264, escaped, unescaped, withLongStartCodes } from './h264.ts';

/** Of VP8 the SFT and the browsers read whether it is a key frame, and how large the picture of one is (RFC 6386, section 9.1). */
const VP8 = { keyFrame: 10, other: 3 } as const;

/** @param mimeType as a browser names the codec. @returns bytes, not more than the frame has */
export function clearBytesOf(mimeType: string, data: Uint8Array): number {
  switch (mimeType.toLowerCase()) {
    case 'video/vp8': {
      const isKeyFrame = ((data[0] ?? 0) & 1) === 0;
      return Math.min(data.length, isKeyFrame ? VP8.keyFrame : VP8.other);
    }
    case 'video/h264':
      return clearBytesOfH264(data);
    // All that is needed stands before the frame in each packet (RFC 9628, section 4.2; RFC 7587, section 4).
    case 'video/vp9':
    case 'audio/opus':
      return 0;
    default:
      throw new TypeError(`${mimeType} cannot be encrypted`);
  }
}

/** A frame as it is encrypted: as it comes out of the packets at the other end. */
export function beforeSealing(
  mimeType: string,
  data: Uint8Array,
): { readonly data: Uint8Array; readonly clear: number } {
  const clear = clearBytesOf(mimeType, data);
  return isH264(mimeType) ? withLongStartCodes(data, clear) : { data, clear };
}

/** An encrypted frame as it can be put into packets. @param clear as `beforeSealing` said */
export function afterSealing(mimeType: string, data: Uint8Array, clear: number): Uint8Array {
  return isH264(mimeType) ? escaped(data, clear) : data;
}

/** Undoes `afterSealing`; of what was never encrypted so it makes something that nobody can decrypt. */
export function beforeOpening(
  mimeType: string,
  data: Uint8Array,
): { readonly data: Uint8Array; readonly clear: number } {
  const clear = clearBytesOf(mimeType, data);
  return { data: (isH264(mimeType) && unescaped(data, clear)) || data, clear };
}

function isH264(mimeType: string): boolean {
  return mimeType.toLowerCase() === 'video/h264';
}
