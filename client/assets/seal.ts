/**
 * The encrypted form of a file: a header, then chunks, each sealed by AES-256-GCM with its number and whether it is the last
 * one in the nonce (STREAM: Hoang, Reyhanitabar, Rogaway, Vizár 2015). Whoever cuts, swaps, repeats or adds chunks is found
 * out at the first wrong one. `docs/reference/encrypted-files.md` describes every byte.
 */
import { SEALED } from '#signalling/assets.ts';
import { DeviceError } from '../failure.ts';
import type { Bytes } from './base64url.ts';

export const KEY_BYTES = 32;
export const PREFIX_BYTES = 7;

/** `hawser`, a zero, the version 1, a zero. The version fixes the size of a chunk too. */
const MAGIC = Uint8Array.of(0x68, 0x61, 0x77, 0x73, 0x65, 0x72, 0, 1, 0);
const MAX_CHUNKS = 2 ** 32;

/** Of a file of `size` bytes; an empty one has one. */
export function chunksOf(size: number): number {
  return Math.max(1, Math.ceil(size / SEALED.chunk));
}

/** Bytes `from` to before `to` of the file that a chunk holds. */
export function boundsOf(size: number, index: number): { readonly from: number; readonly to: number } {
  const from = index * SEALED.chunk;
  return { from, to: Math.min(from + SEALED.chunk, size) };
}

/** @param prefix 7 random bytes, drawn with the key */
export function headerOf(prefix: Uint8Array): Bytes {
  const header = new Uint8Array(SEALED.header);
  header.set(MAGIC);
  header.set(prefix, MAGIC.length);
  return header;
}

/** The prefix in a header. @throws DeviceError FILE_DAMAGED where it is no header of this version */
export function prefixOf(header: Uint8Array): Bytes {
  if (header.length !== SEALED.header || MAGIC.some((byte, at) => header[at] !== byte)) {
    throw new DeviceError('FILE_DAMAGED');
  }
  return Uint8Array.from(header.subarray(MAGIC.length));
}

/** Seals and opens the chunks of one file. */
export class Sealer {
  readonly header: Bytes;
  readonly #key: CryptoKey;
  readonly #prefix: Bytes;

  private constructor(key: CryptoKey, prefix: Bytes) {
    this.#key = key;
    this.#prefix = prefix;
    this.header = headerOf(prefix);
  }

  /** @param key 32 bytes, of this file alone @param prefix 7 bytes */
  static async create(key: Bytes, prefix: Bytes): Promise<Sealer> {
    if (key.length !== KEY_BYTES || prefix.length !== PREFIX_BYTES) throw new RangeError('length of key or prefix');
    const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt']);
    return new Sealer(imported, prefix);
  }

  /** Must never be called with other bytes for the same index: that is what `plan.ts` is for. */
  async seal(index: number, isLast: boolean, plain: Bytes): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.encrypt(this.#parameters(index, isLast), this.#key, plain));
  }

  /** @throws DeviceError FILE_DAMAGED where it is not this chunk of this file */
  async open(index: number, isLast: boolean, sealed: Bytes): Promise<Bytes> {
    try {
      return new Uint8Array(await crypto.subtle.decrypt(this.#parameters(index, isLast), this.#key, sealed));
    } catch (error) {
      throw new DeviceError('FILE_DAMAGED', { cause: error });
    }
  }

  #parameters(index: number, isLast: boolean): AesGcmParams {
    if (!Number.isSafeInteger(index) || index < 0 || index >= MAX_CHUNKS) throw new RangeError('number of a chunk');
    const iv = new Uint8Array(12);
    iv.set(this.#prefix);
    new DataView(iv.buffer).setUint32(PREFIX_BYTES, index);
    iv[11] = isLast ? 1 : 0;
    return { name: 'AES-GCM', iv, additionalData: this.header, tagLength: SEALED.tag * 8 };
  }
}
