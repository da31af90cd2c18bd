/** Files in words, and the room that a picture takes. Pure. */
import { kindOf } from '#client/assets/kind.ts';
import type { AssetKind } from '#signalling/assets.ts';

/** @param bytes 0 or more */
export function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;
  const [value, unit] =
    bytes < 999_500 ? [bytes / 1e3, 'kB'] : bytes < 999_500_000 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB'];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

const KINDS: Readonly<Record<AssetKind, string>> = {
  image: 'Picture',
  audio: 'Sound',
  video: 'Film',
  text: 'Text',
  document: 'Document',
  archive: 'Archive',
  program: 'Program',
  other: 'File',
};

/** `Document, PDF`, `Program, EXE`, `File` */
export function typeOf(contentType: string, name: string): string {
  const kind = KINDS[kindOf(contentType, name)];
  const ending = /\.([a-z0-9]{1,5})$/i.exec(name)?.[1];
  return ending === undefined ? kind : `${kind}, ${ending.toUpperCase()}`;
}

/** Part of the whole, in percent, 100 only when it is over. */
export function percentOf(done: number, total: number): number {
  return total <= 0 || done >= total ? 100 : Math.min(99, Math.floor((done / total) * 100));
}

/** The largest that a picture is shown with among messages, CSS pixels, and the smallest that can be hit with a finger. */
const MOST = { width: 380, height: 340 };
const LEAST = 72;

export interface Room {
  readonly width: number;
  readonly height: number;
}

/** The room for a picture of so many pixels: never larger than it is, unless it is tiny. */
export function roomOf({ width, height }: Room): Room {
  const scale = Math.min(1, MOST.width / width, MOST.height / height);
  const sideOf = (side: number) => Math.round(Math.max(LEAST, side * scale));
  return { width: sideOf(width), height: sideOf(height) };
}
