/**
 * Sends a planned file. What the homeserver has is never sent twice, whatever happens in between: it is asked where the
 * upload stands, and the rest is sealed anew from the same bytes to the same ciphertext.
 */
import { Compile } from 'typebox/compile';
import { AssetPolicy, AssetUpload, refusalBy, sealedSize, WrongOffset } from '#signalling/assets.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { Account } from '../account.ts';
import type { Attachment } from './attachment.ts';
import { type Bytes, toBase64url } from './base64url.ts';
import { FIRST_PART, nextPartSize } from './part-size.ts';
import { type Plan, sealedPieces } from './plan.ts';
import { Retry, type RetryOptions } from './retry.ts';
import { Sha256 } from './sha256.ts';

export interface Progress {
  /** Bytes of the encrypted file that are over. */
  readonly done: number;
  readonly total: number;
}

export interface TransferOptions extends RetryOptions {
  readonly account: Pick<Account, 'call' | 'callRaw'>;
  readonly onProgress?: (progress: Progress) => void;
}

/** Longer than the homeserver waits for a part. */
const PART_MS = 30_000;
/** It reads the whole file again, and may move it. */
const COMPLETE_MS = 180_000;

/**
 * Resolves when the file is on the homeserver's disk, with what a message needs of it. May be called again with the same
 * plan, or a resumed one, after any failure.
 * @throws HawserError HOME_ASSET_TOO_LARGE, HOME_ASSET_KIND, HOME_ASSET_QUOTA, HOME_ASSET_UPLOADS, HOME_ASSET_NO_ROOM and
 * what is left of a connection after a minute of attempts; DeviceError FILE_CHANGED, FILE_UNREADABLE; the signal's reason
 */
export async function upload(plan: Plan, options: TransferOptions): Promise<Attachment> {
  return new Upload(plan, options).run();
}

/** The homeserver has less than was sent: begin again at what it has. */
class Rewind extends Error {}

class Upload {
  readonly #plan: Plan;
  readonly #options: TransferOptions;
  readonly #total: number;
  readonly #retry: Retry;
  #maxPart = FIRST_PART;
  #partSize = FIRST_PART;
  #received = 0;

  constructor(plan: Plan, options: TransferOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#total = sealedSize(plan.record.size);
    this.#retry = new Retry(options);
  }

  async run(): Promise<Attachment> {
    const { account, signal } = this.#options;
    const { request, key, size, kind, name, contentType } = this.#plan.record;
    const policy = await this.#retry.run(() =>
      account.call({ method: 'GET', path: 'assets/policy', answer: AssetPolicy, signal }),
    );
    const refusal = refusalBy(policy, { size, kind });
    if (refusal) throw refusal;
    this.#maxPart = policy.maxPartBytes;
    this.#partSize = Math.min(FIRST_PART, this.#maxPart);
    const begin = () => {
      const body = { request, size: this.#total, kind };
      return this.#retry.run(() => account.call({ method: 'POST', path: 'assets', body, answer: AssetUpload, signal }));
    };
    let upload = await begin();
    for (let rewinds = 0; ; rewinds++) {
      this.#tell(upload.received);
      try {
        const hash = await this.#pass(upload);
        return { asset: upload.asset, key, size, hash, name, contentType };
      } catch (error) {
        // An upload that was swept while the device was away is begun again under the same name; once, or twice.
        const isGone = error instanceof HawserError && error.code === 'HOME_NOT_FOUND';
        if (rewinds >= 2 || !(error instanceof Rewind || isGone)) throw error;
        upload = await begin();
      }
    }
  }

  /** Seals the file from its begin, for the hash's sake, and sends what is not there. Resolves with the hash. */
  async #pass(upload: AssetUpload): Promise<string> {
    const hash = new Sha256();
    let at = 0;
    let waiting: Bytes[] = [];
    let waitingBytes = 0;
    const flush = async () => {
      const part = joined(waiting, waitingBytes);
      [waiting, waitingBytes] = [[], 0];
      await this.#send(upload, part);
    };
    for await (const piece of sealedPieces(this.#plan)) {
      this.#options.signal?.throwIfAborted();
      hash.update(piece);
      const isThere = Math.min(Math.max(0, this.#received + waitingBytes - at), piece.length);
      at += piece.length;
      if (isThere === piece.length) continue;
      waiting.push(piece.subarray(isThere));
      waitingBytes += piece.length - isThere;
      if (waitingBytes >= this.#partSize) await flush();
    }
    if (waitingBytes > 0) await flush();
    const sha256 = toBase64url(hash.digest());
    await this.#complete(upload, sha256);
    return sha256;
  }

  /** One part, in as many requests as it takes. Nothing is sealed again for it. */
  async #send({ asset }: AssetUpload, part: Bytes): Promise<void> {
    const start = this.#received;
    const end = start + part.length;
    while (this.#received < end) {
      // All that is left of the part, unless parts have become much smaller since it was cut.
      const left = end - this.#received;
      const length = Math.min(left <= this.#partSize * 2 ? left : this.#partSize, this.#maxPart);
      const rest = part.subarray(this.#received - start, this.#received - start + length);
      const before = this.#received;
      const began = performance.now();
      try {
        this.#settle(await this.#patch(asset, rest), start, end);
        this.#partSize = nextPartSize(this.#partSize, length, performance.now() - began, this.#maxPart);
      } catch (error) {
        if (error instanceof Rewind) throw error;
        const isElsewhere = error instanceof WrongOffset || isCode(error, 'HOME_ASSET_COMPLETE');
        if (!isElsewhere) this.#partSize = nextPartSize(this.#partSize, length, undefined, this.#maxPart);
        // Also for a wrong offset: an upload that never comes to rest ends here.
        await this.#retry.after(isElsewhere ? new HawserError('SIG_CLOSED') : error);
        this.#settle(await this.#ask(asset), start, end);
      }
      if (this.#received > before) this.#retry.progressed();
    }
  }

  async #patch(asset: string, rest: Bytes): Promise<AssetUpload> {
    const { account, signal } = this.#options;
    const timeout = AbortSignal.timeout(PART_MS);
    const response = await account.callRaw({
      method: 'PATCH',
      path: `assets/${encodeURIComponent(asset)}?offset=${this.#received}`,
      headers: { 'content-type': 'application/octet-stream', accept: 'application/json' },
      body: rest,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    return parseUpload(await response.json().catch(() => undefined));
  }

  #ask(asset: string): Promise<AssetUpload> {
    const { account, signal } = this.#options;
    const path = `assets/${encodeURIComponent(asset)}/upload`;
    // With a count of its own: that the server answers is no progress of the upload.
    return new Retry(this.#options).run(() => account.call({ method: 'GET', path, answer: AssetUpload, signal }));
  }

  #settle({ received }: AssetUpload, start: number, end: number): void {
    this.#tell(received);
    if (received < start || (received > end && received !== this.#total)) throw new Rewind();
  }

  async #complete({ asset }: AssetUpload, sha256: string): Promise<void> {
    const { account, signal } = this.#options;
    const path = `assets/${encodeURIComponent(asset)}/complete`;
    const call = {
      method: 'POST',
      path,
      body: { sha256 },
      answer: AssetUpload,
      timeoutMs: COMPLETE_MS,
      signal,
    } as const;
    try {
      await this.#retry.run(() => account.call(call));
    } catch (error) {
      // The server lost bytes that it had counted, for instance with a disk.
      if (isCode(error, 'HOME_ASSET_INCOMPLETE')) throw new Rewind();
      throw error;
    }
  }

  #tell(received: number): void {
    this.#received = received;
    this.#options.onProgress?.({ done: received, total: this.#total });
  }
}

const schema = Compile(AssetUpload);

function parseUpload(value: unknown): AssetUpload {
  if (!schema.Check(value)) throw new HawserError('SIG_SCHEMA', 'assets');
  return value;
}

function isCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof HawserError && error.code === code;
}

function joined(pieces: readonly Bytes[], length: number): Bytes {
  const [only] = pieces;
  if (pieces.length === 1 && only) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
