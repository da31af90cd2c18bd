/** JPEG (ITU-T T.81, annex B; JFIF: T.871) without what its pixels do not need. Pure. */
import type { Bytes } from '../../assets/base64url.ts';
import { orientationIn, tiffOf } from './orientation.ts';
import { Pieces } from './pieces.ts';

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP = { jfif: 0xe0, exif: 0xe1, icc: 0xe2, adobe: 0xee, last: 0xef };
const COM = 0xfe;

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === SOI && bytes[2] === 0xff;
}

/**
 * The frame, its tables and scans; of the rest how it is to be turned, the profile of its colours, and the marks that say what
 * colours they are. Nothing behind its end stays, where telephones put films and more pictures. Undefined where it is no whole JPEG.
 */
export function bareJpeg(bytes: Bytes): readonly Bytes[] | undefined {
  if (!isJpeg(bytes)) return undefined;
  const pieces = new Pieces(bytes);
  pieces.keep(0, 2);
  let at = 2;
  let hasScan = false;
  let hasExif = false;
  for (;;) {
    if (bytes[at] !== 0xff) return undefined;
    // Any number of these may stand before a marker.
    while (bytes[at] === 0xff) at += 1;
    const marker = bytes[at] ?? 0;
    const begin = at - 1;
    at += 1;
    if (marker === EOI) {
      pieces.keep(begin, at);
      return hasScan ? pieces.list : undefined;
    }
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const end = at + length;
    if (length < 2 || end > bytes.length) return undefined;
    const content = bytes.subarray(at + 2, end);
    if (marker >= APP.jfif && marker <= APP.last) {
      if (marker === APP.jfif && startsWith(content, 'JFIF\0')) keepJfif(pieces, content, begin, end);
      else if (marker === APP.icc && startsWith(content, 'ICC_PROFILE\0')) pieces.keep(begin, end);
      else if (marker === APP.adobe && startsWith(content, 'Adobe')) pieces.keep(begin, end);
      else if (marker === APP.exif && !hasExif && startsWith(content, 'Exif\0\0')) {
        hasExif = true;
        const orientation = orientationIn(content.subarray(6));
        if (orientation !== undefined) pieces.put(segment(APP.exif, 'Exif\0\0', tiffOf(orientation)));
      }
    } else if (marker !== COM) {
      // What no page decodes is not looked into.
      if (!isOfFrame(marker)) return undefined;
      pieces.keep(begin, end);
    }
    at = end;
    if (marker !== SOS) continue;
    hasScan = true;
    const over = endOfScan(bytes, at);
    if (over === undefined) return undefined;
    pieces.keep(at, over);
    at = over;
  }
}

/** Frames, tables, scans, restart intervals. */
function isOfFrame(marker: number): boolean {
  return (marker >= 0xc0 && marker <= 0xcf) || (marker >= SOS && marker <= 0xdf);
}

/** Density and version; a small picture in it may show what was cut off the large one. */
function keepJfif(pieces: Pieces, content: Bytes, begin: number, end: number): void {
  const FIXED = 14;
  if (content.length < FIXED) return;
  if (content.length === FIXED) return pieces.keep(begin, end);
  const fixed = content.slice(5, FIXED);
  fixed.fill(0, 7);
  pieces.put(segment(APP.jfif, 'JFIF\0', fixed));
}

/** Where the next marker stands: 0xff that is neither stuffed nor a restart. */
function endOfScan(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next === undefined) return undefined;
    const isData = next === 0 || next === 0xff || (next >= 0xd0 && next <= 0xd7);
    if (!isData) return at;
  }
  return undefined;
}

function segment(marker: number, name: string, content: Uint8Array): Bytes {
  const length = 2 + name.length + content.length;
  const made = new Uint8Array(2 + length);
  made.set([0xff, marker, length >> 8, length & 0xff]);
  made.set(new TextEncoder().encode(name), 4);
  made.set(content, 4 + name.length);
  return made;
}

function startsWith(bytes: Uint8Array, name: string): boolean {
  return bytes.length >= name.length && [...name].every((letter, at) => bytes[at] === letter.charCodeAt(0));
}
