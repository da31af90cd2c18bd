/** Browsers only: a small picture of a picture, so that whoever sees it need not load the whole. */
import { MAX_PICTURE_SIDE } from '../content/limits.ts';
import type { Preview } from './outgoing-files.ts';

/** The longer side, pixels: twice what it is shown with, for dense screens. */
const SIDE = 760;
/** A picture of so few bytes is its own preview. */
export const SMALL_BYTES = 100_000;
const QUALITY = 0.82;

/** @throws DOMException where the browser cannot decode it */
export async function previewOf(file: Blob): Promise<Preview | undefined> {
  using picture = closing(await createImageBitmap(file, { imageOrientation: 'from-image' }));
  const { width, height } = picture.bitmap;
  if (width > MAX_PICTURE_SIDE || height > MAX_PICTURE_SIDE) return undefined;
  if (file.size <= SMALL_BYTES) return { width, height };
  const scale = Math.min(1, SIDE / Math.max(width, height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  const context = canvas.getContext('2d');
  if (!context) return { width, height };
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture.bitmap, 0, 0, canvas.width, canvas.height);
  // JPEG would make black of what can be seen through.
  const type = file.type === 'image/jpeg' ? 'image/jpeg' : 'image/webp';
  const image = await canvas.convertToBlob({ type, quality: QUALITY });
  return { width, height, ...(image.size < file.size && { image }) };
}

function closing(bitmap: ImageBitmap): Disposable & { readonly bitmap: ImageBitmap } {
  return { bitmap, [Symbol.dispose]: () => bitmap.close() };
}
