/** Between what an upload gives and a download takes, and what stands in a message. */
import { plainSize, sealedSize } from '#signalling/assets.ts';
import type { Attachment as Sealed } from '../assets/attachment.ts';
import { type Bytes, fromBase64url, toBase64url } from '../assets/base64url.ts';
import { KEY_BYTES } from '../assets/seal.ts';
import type { StoredFile } from '../content/content.ts';
import { isMediaType } from '../content/media-type.ts';
import { DeviceError } from '../failure.ts';

const HASH_BYTES = 32;
/** What is said of a file whose type the device does not know. */
export const BYTES = 'application/octet-stream';

/** What a message says of an uploaded file. */
export function storedFile({ asset, key, size, hash, contentType }: Sealed): StoredFile {
  return {
    asset,
    algorithm: 'AES-256-GCM-STREAM',
    key: bytesOf(key, KEY_BYTES),
    nonce: new Uint8Array(),
    hash: bytesOf(hash, HASH_BYTES),
    size: sealedSize(size),
    contentType: isMediaType(contentType) ? contentType : BYTES,
  };
}

/** What a download needs of a file in a message. @throws DeviceError FILE_FORM, FILE_DAMAGED */
export function sealedFile({ asset, algorithm, key, hash, size, contentType }: StoredFile, name: string): Sealed {
  if (algorithm !== 'AES-256-GCM-STREAM') throw new DeviceError('FILE_FORM');
  const plain = plainSize(size);
  if (plain === undefined) throw new DeviceError('FILE_DAMAGED');
  return { asset, key: toBase64url(key), hash: toBase64url(hash), size: plain, contentType, name };
}

/** Bytes of the file as people know it: before it was encrypted, as far as that can be told. */
export function sizeOfFile({ size }: Pick<StoredFile, 'size'>): number {
  return plainSize(size) ?? size;
}

/** Why it cannot be fetched here, whatever the network does; undefined where it can. */
export function obstacleTo({ algorithm }: Pick<StoredFile, 'algorithm'>): DeviceError | undefined {
  return algorithm === 'AES-256-GCM-STREAM' ? undefined : new DeviceError('FILE_FORM');
}

function bytesOf(text: string, length: number): Bytes {
  const bytes = fromBase64url(text, length);
  if (!bytes) throw new DeviceError('FILE_DAMAGED');
  return bytes;
}
