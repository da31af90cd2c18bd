/** Hands a file to the browser to be stored where it stores downloads. */
import { fileNameOf } from '#client/assets/attachment.ts';

/** Long enough for the browser to begin reading. */
const HELD_MS = 60_000;

/** Whatever is in it, it is bytes to be stored: nothing of it is opened in the name of this page. */
export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(new Blob([blob], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileNameOf({ name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), HELD_MS);
}
