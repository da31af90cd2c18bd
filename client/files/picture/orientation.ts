/**
 * How a picture is to be turned before it is shown: the one thing in Exif that changes how it looks (Exif 2.32, 4.6.4.A; TIFF 6.0,
 * section 2). Pure.
 */
import type { Bytes } from '../../assets/base64url.ts';

const ORIENTATION = 0x0112;
const SHORT = 3;
const ENTRY_BYTES = 12;

/** Read from TIFF, the inside of Exif: 2 to 8; undefined where it stands upright, or nothing can be read. */
export function orientationIn(tiff: Uint8Array): number | undefined {
  if (tiff.length < 14) return undefined;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return undefined;
  const isLittle = order === 0x4949;
  const list = view.getUint32(4, isLittle);
  if (view.getUint16(2, isLittle) !== 42 || list + 2 > tiff.length) return undefined;
  const count = view.getUint16(list, isLittle);
  for (let index = 0; index < count; index++) {
    const entry = list + 2 + index * ENTRY_BYTES;
    if (entry + ENTRY_BYTES > tiff.length) return undefined;
    if (view.getUint16(entry, isLittle) !== ORIENTATION) continue;
    const value = view.getUint16(entry + 8, isLittle);
    return view.getUint16(entry + 2, isLittle) === SHORT && value >= 2 && value <= 8 ? value : undefined;
  }
  return undefined;
}

/** TIFF that says nothing else. 26 bytes. */
export function tiffOf(orientation: number): Bytes {
  const tiff = new Uint8Array(26);
  const view = new DataView(tiff.buffer);
  view.setUint16(0, 0x4d4d);
  view.setUint16(2, 42);
  view.setUint32(4, 8);
  view.setUint16(8, 1);
  view.setUint16(10, ORIENTATION);
  view.setUint16(12, SHORT);
  view.setUint32(14, 1);
  view.setUint16(18, orientation);
  return tiff;
}
