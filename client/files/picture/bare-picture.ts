/** A picture as it is sent: without place, time, camera and owner, which nobody sees on the screen and everybody could read. */
import type { Bytes } from '../../assets/base64url.ts';
import { DeviceError } from '../../failure.ts';
import { bareJpeg, isJpeg } from './jpeg.ts';
import { barePng, isPng } from './png.ts';
import { bareWebp, isWebp } from './webp.ts';

/** A picture is held in memory as a whole; what is larger is a file. Bytes. */
export const MAX_PICTURE_BYTES = 64_000_000;

const FORMS = [
  [isJpeg, bareJpeg],
  [isPng, barePng],
  [isWebp, bareWebp],
] as const;

/**
 * The pixels of a JPEG, PNG or WebP, and how they are to be shown; a picture of another form as it is.
 * Undefined where one cannot be taken apart, because it is damaged, unusual, or larger than `MAX_PICTURE_BYTES`: it is sent as a mere
 * file then, unchanged, because it is what the person has chosen.
 * @throws DeviceError FILE_UNREADABLE
 */
export async function barePicture(file: Blob): Promise<Blob | undefined> {
  if (file.size > MAX_PICTURE_BYTES) return undefined;
  const bytes: Bytes = await file.arrayBuffer().then(
    (buffer) => new Uint8Array(buffer),
    (cause: unknown) => {
      throw new DeviceError('FILE_UNREADABLE', { cause });
    },
  );
  const form = FORMS.find(([isOne]) => isOne(bytes));
  if (!form) return file;
  const pieces = form[1](bytes);
  return pieces && new Blob([...pieces], { type: file.type });
}
