/**
 * Fetches a file and opens it, chunk by chunk. Whoever reads the stream gets authenticated chunks only, and the last one
 * after the hash of the whole: what ended without an error is exactly the file that was sent.
 */
import { AssetPolicy, refusalBy, SEALED, sealedSize } from '#signalling/assets.ts';
import { DeviceError } from '../failure.ts';
import { parseAttachment } from './attachment.ts';
import { type Bytes, toBase64url } from './base64url.ts';
import { Ciphertext } from './ciphertext.ts';
import { kindOf, shownType } from './kind.ts';
import { Retry } from './retry.ts';
import { boundsOf, chunksOf, prefixOf, Sealer } from './seal.ts';
import { Sha256 } from './sha256.ts';
import type { TransferOptions } from './upload.ts';

export interface DownloadOptions extends TransferOptions {
  /**
   * What an earlier attempt has left of the file, from its first byte on; whole chunks of it are not fetched again. They are
   * sealed again on the device for the hash, which finds out where they are not what was sent.
   */
  readonly kept?: Blob;
  readonly stallMs?: number;
}

/**
 * The file in chunks of 256 KiB, without those that were kept.
 * @param attachment as it came with the message; parsed here
 * @throws HawserError HOME_ASSET_TOO_LARGE, HOME_ASSET_KIND before anything is fetched, HOME_NOT_FOUND, and what is left of a
 * connection after a minute of attempts; DeviceError FILE_DAMAGED; the signal's reason
 */
export async function* download(attachment: unknown, options: DownloadOptions): AsyncGenerator<Bytes> {
  const { asset, keyBytes, size, hash: expected, name, contentType } = parseAttachment(attachment);
  await refuseByPolicy(size, contentType, name, options);
  const total = sealedSize(size);
  const chunks = chunksOf(size);
  const kept = keptChunks(size, options.kept);
  const hash = new Sha256();
  const tell = (done: number) => options.onProgress?.({ done, total });

  // The header alone, where chunks were kept: its prefix is in no message.
  await using head = new Ciphertext(asset, total, 0, options);
  const header = await head.read(SEALED.header);
  hash.update(header);
  const sealer = await Sealer.create(keyBytes, prefixOf(header));
  let at: number = SEALED.header;
  for (let index = 0; index < kept; index++) {
    const { from, to } = boundsOf(size, index);
    const plain = new Uint8Array((await options.kept?.slice(from, to).arrayBuffer()) ?? new ArrayBuffer());
    // Where what was kept is spoilt, this seals other bytes than the sender did; they go into the hash and nowhere else.
    const sealed = await sealer.seal(index, false, plain);
    hash.update(sealed);
    at += sealed.length;
  }
  tell(at);
  await using rest = kept === 0 ? head : await replace(head, new Ciphertext(asset, total, at, options));
  for (let index = kept; index < chunks; index++) {
    const { from, to } = boundsOf(size, index);
    const isLast = index === chunks - 1;
    const sealed = await rest.read(to - from + SEALED.tag);
    const plain = await sealer.open(index, isLast, sealed);
    hash.update(sealed);
    if (isLast && toBase64url(hash.digest()) !== expected) throw new DeviceError('FILE_DAMAGED');
    at += sealed.length;
    tell(at);
    yield plain;
  }
}

/**
 * The whole file, for what fits on the device. Its type is one that a page may show, or that of mere bytes.
 * @throws as `download`
 */
export async function downloadFile(attachment: unknown, options: DownloadOptions): Promise<Blob> {
  const { contentType, size } = parseAttachment(attachment);
  const parts: Blob[] = options.kept ? [options.kept.slice(0, keptChunks(size, options.kept) * SEALED.chunk)] : [];
  // A browser may put the content of a blob on disk, which it cannot with arrays.
  for await (const chunk of download(attachment, options)) parts.push(new Blob([chunk]));
  return new Blob(parts, { type: shownType(contentType) });
}

async function refuseByPolicy(
  size: number,
  contentType: string,
  name: string,
  options: TransferOptions,
): Promise<void> {
  const { account, signal } = options;
  const call = { method: 'GET', path: 'assets/policy', answer: AssetPolicy, signal } as const;
  const policy = await new Retry(options).run(() => account.call(call));
  const refusal = refusalBy(policy, { size, kind: kindOf(contentType, name) });
  if (refusal) throw refusal;
}

/** How many are not fetched: whole ones, and never the last, since a download ends with the check of everything. */
function keptChunks(size: number, kept: Blob | undefined): number {
  return kept ? Math.min(Math.floor(kept.size / SEALED.chunk), chunksOf(size) - 1) : 0;
}

async function replace(before: Ciphertext, next: Ciphertext): Promise<Ciphertext> {
  await before[Symbol.asyncDispose]();
  return next;
}
