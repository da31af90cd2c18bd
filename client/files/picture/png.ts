/** PNG (third edition, W3C 2025) without what its pixels do not need. Pure. */
import type { Bytes } from '../../assets/base64url.ts';
import { orientationIn, tiffOf } from './orientation.ts';
import { Pieces } from './pieces.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Pixels, colours, density, frames: all that has to do with how it is drawn (sections 11.2 and 11.3). */
const DRAWN = new Set(
  'IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT acTL fcTL fdAT'.split(' '),
);

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, at) => bytes[at] === byte);
}

/** Nothing behind its end stays: there may be parts of what it was before it was cut. Undefined where it is no whole PNG. */
export function barePng(bytes: Bytes): readonly Bytes[] | undefined {
  if (!isPng(bytes)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces = new Pieces(bytes);
  pieces.keep(0, SIGNATURE.length);
  let hasExif = false;
  for (let at = SIGNATURE.length, end: number; at + 12 <= bytes.length; at = end) {
    end = at + 12 + view.getUint32(at);
    if (end > bytes.length) return undefined;
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at === SIGNATURE.length && type !== 'IHDR') return undefined;
    if (DRAWN.has(type)) pieces.keep(at, end);
    else if (type === 'eXIf' && !hasExif) {
      hasExif = true;
      const orientation = orientationIn(bytes.subarray(at + 8, end - 4));
      if (orientation !== undefined) pieces.put(chunk('eXIf', tiffOf(orientation)));
    }
    // What nobody may pass over (section 5.4) and what is not known here: it cannot be drawn without.
    else if (/^[^a-z]/.test(type)) return undefined;
    if (type === 'IEND') return pieces.list;
  }
  return undefined;
}

function chunk(type: string, content: Uint8Array): Bytes {
  const made = new Uint8Array(12 + content.length);
  const view = new DataView(made.buffer);
  view.setUint32(0, content.length);
  made.set(new TextEncoder().encode(type), 4);
  made.set(content, 8);
  view.setUint32(8 + content.length, crc(made.subarray(4, 8 + content.length)));
  return made;
}

/** CRC-32 of ISO 3309, bit by bit: it is of 30 bytes. */
function crc(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}
