/**
 * What is decided about a file before a byte of it is encrypted: its key, and exactly which bytes that key may ever seal.
 * GCM gives its key away where one nonce seals two texts, and a file may change while it is sent, or between a crash and the
 * next start. So every chunk has its digest first, and what has another one later is never sealed.
 */
import type { AssetKind } from '#signalling/assets.ts';
import { DeviceError } from '../failure.ts';
import { type Bytes, fromBase64url, toBase64url } from './base64url.ts';
import { kindOf } from './kind.ts';
import { boundsOf, chunksOf, KEY_BYTES, PREFIX_BYTES, Sealer } from './seal.ts';

const REQUEST_BYTES = 16;
const DIGEST_BYTES = 32;

/** All that a later start needs to go on, besides the file. Holds the key: to be stored as keys are. */
export interface PlanRecord {
  readonly version: 1;
  /** Names the upload to the homeserver. */
  readonly request: string;
  readonly key: string;
  readonly prefix: string;
  /** Of the file, bytes. */
  readonly size: number;
  /** SHA-256 over the SHA-256 of each chunk: binds the key to these bytes. */
  readonly digest: string;
  readonly kind: AssetKind;
  readonly name: string;
  readonly contentType: string;
}

export interface Plan {
  readonly record: PlanRecord;
  readonly source: Blob;
  /** Of each chunk, one after the other. */
  readonly digests: Bytes;
}

export interface About {
  readonly name: string;
  readonly contentType: string;
}

/**
 * Reads the file once. The record must be stored before `upload` is called, if it shall go on after a crash; without it
 * the file is simply sent anew, under another key.
 * @throws DeviceError FILE_UNREADABLE
 */
export async function planUpload(source: Blob, { name, contentType }: About): Promise<Plan> {
  const digests = await digestsOf(source);
  const random = (bytes: number) => toBase64url(crypto.getRandomValues(new Uint8Array(bytes)));
  const record: PlanRecord = {
    version: 1,
    request: random(REQUEST_BYTES),
    key: random(KEY_BYTES),
    prefix: random(PREFIX_BYTES),
    size: source.size,
    digest: await rootOf(digests),
    kind: kindOf(contentType, name),
    name,
    contentType,
  };
  return { record, source, digests };
}

/**
 * After a crash: the plan of a stored record, if the file still is what it was.
 * @throws DeviceError FILE_CHANGED: forget the record and plan anew; FILE_UNREADABLE
 */
export async function resumePlan(record: PlanRecord, source: Blob): Promise<Plan> {
  if (source.size !== record.size) throw new DeviceError('FILE_CHANGED');
  const digests = await digestsOf(source);
  if ((await rootOf(digests)) !== record.digest) throw new DeviceError('FILE_CHANGED');
  return { record, source, digests };
}

/**
 * The encrypted file, piece by piece: the header, then each chunk.
 * @throws DeviceError FILE_CHANGED where a chunk is not the planned one any more, before it is sealed; FILE_UNREADABLE
 */
export async function* sealedPieces({ record, source, digests }: Plan): AsyncGenerator<Bytes> {
  const key = fromBase64url(record.key, KEY_BYTES);
  const prefix = fromBase64url(record.prefix, PREFIX_BYTES);
  if (!key || !prefix) throw new RangeError('not the record of a plan');
  const sealer = await Sealer.create(key, prefix);
  yield sealer.header;
  const chunks = chunksOf(record.size);
  for (let index = 0; index < chunks; index++) {
    // The same bytes in memory are digested and sealed: between the two nothing can change.
    const plain = await chunkOf(source, record.size, index);
    const digest = await digestOf(plain);
    const planned = digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
    if (digest.some((byte, at) => byte !== planned[at])) throw new DeviceError('FILE_CHANGED');
    yield await sealer.seal(index, index === chunks - 1, plain);
  }
}

async function digestsOf(source: Blob): Promise<Bytes> {
  const chunks = chunksOf(source.size);
  const digests = new Uint8Array(chunks * DIGEST_BYTES);
  for (let index = 0; index < chunks; index++) {
    digests.set(await digestOf(await chunkOf(source, source.size, index)), index * DIGEST_BYTES);
  }
  return digests;
}

async function chunkOf(source: Blob, size: number, index: number): Promise<Bytes> {
  const { from, to } = boundsOf(size, index);
  let bytes: Bytes;
  try {
    bytes = new Uint8Array(await source.slice(from, to).arrayBuffer());
  } catch (error) {
    // A browser refuses to read a file that was changed or removed since it was chosen.
    throw new DeviceError('FILE_UNREADABLE', { cause: error });
  }
  if (bytes.length !== to - from) throw new DeviceError('FILE_CHANGED');
  return bytes;
}

async function digestOf(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

async function rootOf(digests: Bytes): Promise<string> {
  return toBase64url(await digestOf(digests));
}
