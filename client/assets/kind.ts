/** From the type of a file to the little of it that servers are told, and to what a page may show. */
import type { AssetKind } from '#signalling/assets.ts';

/** Runs on some machine when it is opened. Its name's ending counts too, since it is what the machine goes by. */
const PROGRAM_TYPES =
  /^application\/(?:x-msdownload|x-msdos-program|x-executable|x-elf|x-sharedlib|x-mach-binary|vnd\.microsoft\.portable-executable|x-sh|x-bat|x-msi|java-archive|vnd\.android\.package-archive|vnd\.debian\.binary-package|x-rpm|javascript)$/;
const PROGRAM_ENDINGS = /\.(?:exe|msi|com|bat|cmd|ps1|vbs|js|jar|scr|lnk|sh|deb|rpm|apk|dmg|pkg|appimage)$/i;
const ARCHIVES =
  /^application\/(?:zip|gzip|x-(?:tar|7z-compressed|bzip2?|xz|rar-compressed|compress(?:ed)?)|vnd\.rar|zstd)$/;
const DOCUMENTS =
  /^application\/(?:pdf|rtf|msword|epub\+zip|vnd\.(?:ms-(?:excel|powerpoint)|oasis\.opendocument|openxmlformats-officedocument)[a-z.-]*)$/;

/** @param contentType such as `image/png; x=y` @param name of the file, which stays on the device */
export function kindOf(contentType: string, name: string): AssetKind {
  const type = essenceOf(contentType);
  if (PROGRAM_TYPES.test(type) || PROGRAM_ENDINGS.test(name.trim())) return 'program';
  const [family] = type.split('/');
  if (family === 'image' || family === 'audio' || family === 'video' || family === 'text') return family;
  if (ARCHIVES.test(type)) return 'archive';
  return DOCUMENTS.test(type) ? 'document' : 'other';
}

const SHOWN = /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp)|audio\/[a-z0-9.+-]+|video\/[a-z0-9.+-]+)$/;

/**
 * The type that a fetched file may have in a page. Its sender chose the type: with `text/html` or `image/svg+xml` an object
 * URL would run his script in the name of the page.
 */
export function shownType(contentType: string): string {
  const type = essenceOf(contentType);
  return SHOWN.test(type) ? type : 'application/octet-stream';
}

function essenceOf(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}
