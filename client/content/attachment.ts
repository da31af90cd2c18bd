/** Files: from a part that lies elsewhere to an attachment that this version can fetch and open, and back. */
import { parseAssetId } from '#signalling/ids.ts';
import { DISPOSITION, type ExternalPart, type Part } from './container.ts';
import type { Attachment, Picture, StoredFile } from './content.ts';
import { fileName } from './file-name.ts';
import { MAX_DESCRIPTION_BYTES, MAX_MEDIA_TYPE_BYTES } from './limits.ts';
import { isMediaType } from './media-type.ts';
import type { Sizes } from './picture.ts';
import { checkedText } from './text.ts';

/** IANA's numbers of AEAD algorithms (RFC 5116); from 32,768 on they are for private use. And the lengths of key and nonce. */
const ALGORITHMS = [
  { name: 'AES-128-GCM', number: 1, keyBytes: 16, nonceBytes: 12 },
  { name: 'AES-256-GCM', number: 2, keyBytes: 32, nonceBytes: 12 },
  { name: 'AES-256-GCM-STREAM', number: 0xf001, keyBytes: 32, nonceBytes: 0 },
] as const;
const SHA_256 = { number: 1, bytes: 32 } as const;

/** A part that lies elsewhere, and the small picture that stands beside it. */
export type FilePart = ExternalPart & { readonly preview?: ExternalPart };

/**
 * The attachment, or undefined where the file lies anywhere but in the store of a homeserver (fetching it would show this device's
 * address to whoever wrote the message), is not encrypted, or is encrypted in another way.
 */
export function attachmentOf(part: FilePart, sizes: Sizes = new Map()): Attachment | undefined {
  const file = storedFileOf(part);
  if (!file) return undefined;
  const size = sizes.get(file.asset);
  const preview = part.preview && storedFileOf(part.preview);
  const picture: Picture | undefined = size && { ...size, ...(preview && { preview }) };
  return {
    ...file,
    name: fileName(part.filename),
    description: part.description,
    inline: part.disposition === DISPOSITION.inline,
    ...(picture && { picture }),
  };
}

function storedFileOf(part: ExternalPart): StoredFile | undefined {
  const asset = parseAssetId(part.url);
  const algorithm = ALGORITHMS.find(({ number }) => number === part.encAlg);
  if (asset === undefined || algorithm === undefined || part.size === 0) return undefined;
  const { key, nonce, contentHash: hash, size, contentType } = part;
  if (key.length !== algorithm.keyBytes || nonce.length !== algorithm.nonceBytes || part.aad.length > 0) {
    return undefined;
  }
  if (part.hashAlg !== SHA_256.number || hash.length !== SHA_256.bytes || !isMediaType(contentType)) return undefined;
  return { asset, algorithm: algorithm.name, key, nonce, hash, size, contentType };
}

/** @throws {HawserError} CONTENT_TEXT, CONTENT_TOO_LARGE */
export function attachmentPart(attachment: Attachment): Part {
  const { inline, name, description, picture } = attachment;
  const file: ExternalPart = {
    ...filePart(attachment, inline ? DISPOSITION.inline : DISPOSITION.attachment),
    description: checkedText(description, MAX_DESCRIPTION_BYTES),
    filename: fileName(name),
  };
  if (!picture?.preview) return file;
  const preview = filePart(picture.preview, DISPOSITION.preview);
  return {
    kind: 'multi',
    disposition: DISPOSITION.render,
    language: '',
    semantics: 'singleUnit',
    parts: [file, preview],
  };
}

function filePart({ algorithm, key, nonce, size, hash, ...file }: StoredFile, disposition: number): ExternalPart {
  return {
    kind: 'external',
    disposition,
    language: '',
    contentType: checkedText(file.contentType, MAX_MEDIA_TYPE_BYTES),
    url: file.asset,
    expires: 0,
    size,
    encAlg: ALGORITHMS.find(({ name }) => name === algorithm)?.number ?? 0,
    key,
    nonce,
    aad: new Uint8Array(),
    hashAlg: SHA_256.number,
    contentHash: hash,
    description: '',
    filename: '',
  };
}
