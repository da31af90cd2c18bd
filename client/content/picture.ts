/** How large the pictures of a message are, as a value of the extension `hawser.pictures`: room is kept for them before they are there. */
import { HawserError } from '#signalling/errors.ts';
import { type AssetId, parseAssetId } from '#signalling/ids.ts';
import type { Cbor } from './cbor.ts';
import type { Attachment } from './content.ts';
import { MAX_ATTACHMENTS, MAX_PICTURE_SIDE } from './limits.ts';

/** In pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export type Sizes = ReadonlyMap<AssetId, Size>;

/** `[[asset, width, height], …]`; undefined where there is no picture. @throws {HawserError} CONTENT_MALFORMED */
export function picturesItem(attachments: readonly Attachment[]): Cbor | undefined {
  const item = attachments.flatMap(({ asset, picture }) => {
    if (!picture) return [];
    if (!isSide(picture.width) || !isSide(picture.height)) malformed();
    return [[asset, picture.width, picture.height]];
  });
  return item.length > 0 ? item : undefined;
}

/** @throws {HawserError} CONTENT_MALFORMED */
export function sizesOf(item: Cbor | undefined): Sizes {
  const sizes = new Map<AssetId, Size>();
  if (item === undefined) return sizes;
  if (!Array.isArray(item) || item.length > MAX_ATTACHMENTS) malformed();
  for (const each of item as readonly Cbor[]) {
    if (!Array.isArray(each) || each.length !== 3) malformed();
    const [named, width, height] = each as readonly Cbor[];
    const asset = typeof named === 'string' ? parseAssetId(named) : undefined;
    if (asset === undefined || !isSide(width) || !isSide(height)) malformed();
    sizes.set(asset, { width, height });
  }
  return sizes;
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_PICTURE_SIDE;
}

function malformed(): never {
  throw new HawserError('CONTENT_MALFORMED', 'the pictures');
}
