/** What a message holds of a file: where it is, how to open it, and what it is called. No server sees any of it. */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { Sha256 } from '#signalling/assets.ts';
import { Closed } from '#signalling/contract.ts';
import { AssetId } from '#signalling/ids.ts';
import { DeviceError } from '../failure.ts';
import { type Bytes, fromBase64url } from './base64url.ts';
import { KEY_BYTES } from './seal.ts';

export const Attachment = Closed({
  asset: AssetId,
  /** 32 bytes, base64url. Of this file alone. */
  key: Type.String({ minLength: 43, maxLength: 43 }),
  /** Of the file before it was encrypted, bytes. */
  size: Type.Integer({ minimum: 0, maximum: 2 ** 48 }),
  /** SHA-256 of the encrypted file: two people who got the same message have the same file, whatever the server does. */
  hash: Sha256,
  name: Type.String({ maxLength: 255 }),
  /** As its sender says: `image/png`. */
  contentType: Type.String({ maxLength: 127 }),
});
export type Attachment = Static<typeof Attachment>;

const schema = Compile(Attachment);

/** Parses what came with somebody's message. @throws DeviceError FILE_DAMAGED */
export function parseAttachment(value: unknown): Attachment & { readonly keyBytes: Bytes } {
  if (!schema.Check(value)) throw new DeviceError('FILE_DAMAGED');
  const keyBytes = fromBase64url(value.key, KEY_BYTES);
  if (!keyBytes) throw new DeviceError('FILE_DAMAGED');
  return { ...value, keyBytes };
}

/**
 * The name under which to save it: no path, no control characters, and none of those that turn the direction of writing,
 * with which `photo_gpj.exe` looks like a picture.
 */
export function fileNameOf({ name }: Pick<Attachment, 'name'>): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const clean = last
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>:"|?*]/gu, '')
    .replace(/^[.\s]+/, '')
    .replace(/[.\s]+$/, '');
  return clean === '' ? 'file' : clean;
}
