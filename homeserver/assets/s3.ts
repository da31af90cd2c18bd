/**
 * Files in an S3-compatible service. Uploads grow in a folder, because a part of theirs has 5 MiB at least and a network
 * that breaks off does not; a complete one moves, and is in the folder until it is there.
 */
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { HawserError } from '#signalling/errors.ts';
import { type S3Client, textsOf } from './s3-client.ts';
import { type Appended, ASSET_NAME, type AssetName, type AssetStore, type ByteRange, type Listed } from './store.ts';

/** The service's smallest is 5 MiB. */
const PART_BYTES = 8 * 1024 * 1024;
/** Of one upload; the service's limit is 10,000. */
const MAX_PARTS = 9_000;
/** Moves at once; each holds one part in memory. */
const MAX_MOVES = 4;
/** Metadata of the object: what was proved before it was moved. */
const HASH = 'x-amz-meta-sha256';

export class S3Store implements AssetStore {
  readonly #client: S3Client;
  readonly #uploads: AssetStore;
  #moves = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param uploads where they grow */
  constructor(client: S3Client, uploads: AssetStore) {
    this.#client = client;
    this.#uploads = uploads;
  }

  refuseFull(bytes: number): Promise<void> {
    return this.#uploads.refuseFull(bytes);
  }

  append(name: AssetName, offset: number, bytes: AsyncIterable<Uint8Array>): Promise<Appended> {
    return this.#uploads.append(name, offset, bytes);
  }

  async size(name: AssetName): Promise<number | undefined> {
    return (await this.#uploads.size(name)) ?? (await this.#find(name))?.size;
  }

  async finish(name: AssetName, expected: { readonly size: number; readonly sha256: string }): Promise<void> {
    if ((await this.#uploads.size(name)) !== undefined) {
      await this.#uploads.finish(name, expected);
      await this.#move(name, expected);
    }
    // Also where an earlier attempt has moved it and did not live to say so.
    const found = await this.#find(name);
    if (!found) throw new HawserError('HOME_ASSET_INCOMPLETE');
    if (found.size !== expected.size || found.sha256 !== expected.sha256) throw new HawserError('HOME_ASSET_HASH');
    await this.#uploads.remove(name);
  }

  async read(name: AssetName, { from, to }: ByteRange): Promise<Readable> {
    const headers = { range: `bytes=${from}-${to}` };
    const response = await this.#client.call({ method: 'GET', key: name, headers, isStream: true });
    if (!response?.body) throw new HawserError('HOME_NOT_FOUND');
    // A service that ignores the range would hand out other bytes than were asked for.
    if (Number(response.headers.get('content-length')) !== to - from + 1) {
      await response.body.cancel();
      throw new HawserError('HOME_ASSET_STORE', 'range');
    }
    return Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
  }

  async remove(name: AssetName): Promise<void> {
    await this.#uploads.remove(name);
    await this.#client.call({ method: 'DELETE', key: name });
  }

  async *list(): AsyncGenerator<Listed> {
    yield* this.#uploads.list();
    let token: string | undefined;
    do {
      const query = { 'list-type': '2', ...(token !== undefined && { 'continuation-token': token }) };
      const xml = await this.#client.callForXml({ method: 'GET', query });
      const modified = textsOf(xml, 'LastModified');
      for (const [index, name] of textsOf(xml, 'Key').entries()) {
        if (ASSET_NAME.test(name)) yield { name, modified: Date.parse(modified[index] ?? '') };
      }
      token = textsOf(xml, 'NextContinuationToken')[0];
    } while (token !== undefined);
  }

  /** Parts of a move that was cut off are stored, and paid for, until somebody gives them up. */
  async tidy(before: number): Promise<void> {
    await this.#uploads.tidy(before);
    const xml = await this.#client.callForXml({ method: 'GET', query: { uploads: '' } });
    const [keys, ids, begun] = ['Key', 'UploadId', 'Initiated'].map((tag) => textsOf(xml, tag));
    for (const [index, uploadId] of (ids ?? []).entries()) {
      const key = keys?.[index] ?? '';
      if (!ASSET_NAME.test(key) || !(Date.parse(begun?.[index] ?? '') < before)) continue;
      await this.#client.call({ method: 'DELETE', key, query: { uploadId } });
    }
  }

  async #find(name: AssetName): Promise<{ size: number; sha256: string | null } | undefined> {
    const response = await this.#client.call({ method: 'HEAD', key: name });
    return response && { size: Number(response.headers.get('content-length')), sha256: response.headers.get(HASH) };
  }

  async #move(name: AssetName, { size, sha256 }: { size: number; sha256: string }): Promise<void> {
    if (this.#moves >= MAX_MOVES) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#moves += 1;
    try {
      const headers = { [HASH]: sha256, 'content-type': 'application/octet-stream' };
      if (size > PART_BYTES) await this.#moveInParts(name, size, headers);
      else {
        const body = await this.#piece(name, { from: 0, to: size - 1 });
        if (!(await this.#client.call({ method: 'PUT', key: name, headers, body })))
          throw new HawserError('HOME_ASSET_STORE', 'no bucket');
      }
    } finally {
      this.#moves -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #moveInParts(name: AssetName, size: number, headers: Readonly<Record<string, string>>): Promise<void> {
    const begun = await this.#client.callForXml({ method: 'POST', key: name, query: { uploads: '' }, headers });
    const [uploadId] = textsOf(begun, 'UploadId');
    if (!uploadId) throw new HawserError('HOME_ASSET_STORE', 'no upload id');
    try {
      const partBytes = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS));
      const parts: string[] = [];
      for (let from = 0; from < size; from += partBytes) {
        const body = await this.#piece(name, { from, to: Math.min(from + partBytes, size) - 1 });
        const query = { partNumber: String(parts.length + 1), uploadId };
        const etag = (await this.#client.call({ method: 'PUT', key: name, query, body }))?.headers.get('etag');
        if (!etag || /[<&]/.test(etag)) throw new HawserError('HOME_ASSET_STORE', 'no etag');
        parts.push(`<Part><PartNumber>${parts.length + 1}</PartNumber><ETag>${etag}</ETag></Part>`);
      }
      const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
      await this.#client.callForXml({ method: 'POST', key: name, query: { uploadId }, body });
    } catch (error) {
      await this.#client.call({ method: 'DELETE', key: name, query: { uploadId } }).catch(() => undefined); // else `tidy`
      throw error;
    }
  }

  async #piece(name: AssetName, range: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
    const piece = new Uint8Array(range.to - range.from + 1);
    let at = 0;
    for await (const bytes of await this.#uploads.read(name, range)) {
      piece.set(bytes as Uint8Array, at);
      at += (bytes as Uint8Array).length;
    }
    if (at !== piece.length) throw new HawserError('HOME_ASSET_INCOMPLETE');
    return piece;
  }
}
