/** WebP (RFC 9649) without what its pixels do not need. Pure. */
import type { Bytes } from '../../assets/base64url.ts';
import { orientationIn, tiffOf } from './orientation.ts';
import { Pieces } from './pieces.ts';

/** Pixels, what can be seen through, frames, the profile of the colours. */
const DRAWN = new Set(['VP8 ', 'VP8L', 'ALPH', 'ANIM', 'ANMF', 'ICCP']);
/** In the first byte of `VP8X`. */
const FLAG = { xmp: 0x04, exif: 0x08 };
const EXIF_PREFIX = [0x45, 0x78, 0x69, 0x66, 0, 0];

export function isWebp(bytes: Uint8Array): boolean {
  return nameAt(bytes, 0) === 'RIFF' && nameAt(bytes, 8) === 'WEBP';
}

/** Nothing behind its end stays. Undefined where it is no whole WebP. */
export function bareWebp(bytes: Bytes): readonly Bytes[] | undefined {
  if (!isWebp(bytes)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const over = 8 + view.getUint32(4, true);
  if (over > bytes.length) return undefined;
  const pieces = new Pieces(bytes);
  const header = new Uint8Array(12);
  pieces.put(header);
  let extended: Bytes | undefined;
  let orientation: number | undefined;
  let size = 4;
  let hasPixels = false;
  let at = 12;
  for (let end: number; at < over; at = end) {
    if (at + 8 > over) return undefined;
    const length = view.getUint32(at + 4, true);
    end = at + 8 + length + (length & 1);
    if (end > over) return undefined;
    const name = nameAt(bytes, at);
    if (DRAWN.has(name)) {
      hasPixels ||= name !== 'ICCP';
      pieces.keep(at, end);
      size += end - at;
    } else if (name === 'VP8X' && length === 10 && !extended) {
      extended = bytes.slice(at, end);
      pieces.put(extended);
      size += extended.length;
    } else if (name === 'EXIF') orientation ??= orientationIn(tiffIn(bytes.subarray(at + 8, at + 8 + length)));
  }
  if (!hasPixels) return undefined;
  if (extended) {
    extended[8] = (extended[8] ?? 0) & ~(FLAG.exif | FLAG.xmp);
    if (orientation !== undefined) {
      extended[8] |= FLAG.exif;
      const exif = chunk('EXIF', tiffOf(orientation));
      pieces.put(exif);
      size += exif.length;
    }
  }
  header.set(bytes.subarray(0, 12));
  new DataView(header.buffer).setUint32(4, size, true);
  return pieces.list;
}

/** Some programs write the prefix here that it has in JPEG. */
function tiffIn(exif: Uint8Array): Uint8Array {
  return EXIF_PREFIX.every((byte, at) => exif[at] === byte) ? exif.subarray(EXIF_PREFIX.length) : exif;
}

/** @param content an even number of bytes */
function chunk(name: string, content: Uint8Array): Bytes {
  const made = new Uint8Array(8 + content.length);
  made.set(new TextEncoder().encode(name));
  new DataView(made.buffer).setUint32(4, content.length, true);
  made.set(content, 8);
  return made;
}

function nameAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
