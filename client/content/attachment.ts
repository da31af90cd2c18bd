/** Files: from a part that lies elsewhere to an attachment that this version can fetch and open, and back. */
import { parseAssetId } from '#signalling/ids.ts';
import { DISPOSITION, type ExternalPart } from './container.ts';
import type { Attachment } from './content.ts';
import { fileName } from './file-name.ts';
import { MAX_DESCRIPTION_BYTES, MAX_MEDIA_TYPE_BYTES } from './limits.ts';
import { isMediaType } from './media-type.ts';
import { checkedText } from './text.ts';

/** IANA's numbers of AEAD algorithms (RFC 5116), and the length of their keys. */
const ALGORITHMS = [
  { name: 'AES-128-GCM', number: 1, keyBytes: 16 },
  { name: 'AES-256-GCM', number: 2, keyBytes: 32 },
] as const;
const NONCE_BYTES = 12;
const SHA_256 = { number: 1, bytes: 32 } as const;

/**
 * The attachment, or undefined where the file lies anywhere but in the store of a homeserver (fetching it would show this device's
 * address to whoever wrote the message), is not encrypted, or is encrypted in another way.
 */
export function attachmentOf(part: ExternalPart): Attachment | undefined {
  const asset = parseAssetId(part.url);
  const algorithm = ALGORITHMS.find(({ number }) => number === part.encAlg);
  if (asset === undefined || algorithm === undefined || part.size === 0) return undefined;
  const { key, nonce, contentHash: hash, size, contentType, description } = part;
  if (key.length !== algorithm.keyBytes || nonce.length !== NONCE_BYTES || part.aad.length > 0) return undefined;
  if (part.hashAlg !== SHA_256.number || hash.length !== SHA_256.bytes || !isMediaType(contentType)) return undefined;
  return {
    asset,
    algorithm: algorithm.name,
    key,
    nonce,
    hash,
    size,
    contentType,
    name: fileName(part.filename),
    description,
    inline: part.disposition === DISPOSITION.inline,
  };
}

/** @throws {HawserError} CONTENT_TEXT, CONTENT_TOO_LARGE */
export function attachmentPart(attachment: Attachment): ExternalPart {
  const { algorithm, key, nonce, size, hash } = attachment;
  const encAlg = ALGORITHMS.find(({ name }) => name === algorithm)?.number ?? 0;
  return {
    kind: 'external',
    disposition: attachment.inline ? DISPOSITION.inline : DISPOSITION.attachment,
    language: '',
    contentType: checkedText(attachment.contentType, MAX_MEDIA_TYPE_BYTES),
    url: attachment.asset,
    expires: 0,
    size,
    encAlg,
    key,
    nonce,
    aad: new Uint8Array(),
    hashAlg: SHA_256.number,
    contentHash: hash,
    description: checkedText(attachment.description, MAX_DESCRIPTION_BYTES),
    filename: fileName(attachment.name),
  };
}
