/**
 * The encrypted bytes of a file, from the homeserver, in pieces of exactly the length that is asked for. A connection that
 * breaks or stands still is replaced by one that goes on where it stopped.
 */
import { HawserError } from '#signalling/errors.ts';
import type { AssetId } from '#signalling/ids.ts';
import type { Account } from '../account.ts';
import { DeviceError } from '../failure.ts';
import { connectionError } from '../http.ts';
import type { Bytes } from './base64url.ts';
import { Retry, type RetryOptions } from './retry.ts';

/** Nothing for so long, and another connection is tried. */
const STALL_MS = 20_000;

export interface CiphertextOptions extends RetryOptions {
  readonly account: Pick<Account, 'callRaw'>;
  readonly stallMs?: number;
}

interface Connection {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly controller: AbortController;
}

export class Ciphertext implements AsyncDisposable {
  readonly #asset: AssetId;
  readonly #total: number;
  readonly #options: CiphertextOptions;
  readonly #retry: Retry;
  #connection: Connection | undefined;
  #left: Uint8Array = new Uint8Array(0);
  /** Of the byte that comes next, also of those in `#left`. */
  #at: number;

  /** @param total bytes that there must be @param from the first that is wanted */
  constructor(asset: AssetId, total: number, from: number, options: CiphertextOptions) {
    this.#asset = asset;
    this.#total = total;
    this.#options = options;
    this.#at = from;
    this.#retry = new Retry(options);
  }

  /**
   * The next `length` bytes.
   * @throws HawserError HOME_NOT_FOUND and what is left of a connection after a minute of attempts; DeviceError FILE_DAMAGED
   * where the file on the server has another length; the signal's reason
   */
  async read(length: number): Promise<Bytes> {
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      if (this.#left.length === 0) this.#left = await this.#more();
      const piece = this.#left.subarray(0, length - filled);
      bytes.set(piece, filled);
      this.#left = this.#left.subarray(piece.length);
      filled += piece.length;
      this.#at += piece.length;
    }
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hangUp();
  }

  /** What comes next, however often it takes; nothing is left when it is called. */
  async #more(): Promise<Uint8Array> {
    for (;;) {
      try {
        this.#options.signal?.throwIfAborted();
        const connection = this.#connection ?? (await this.#connect());
        const { value, done } = await this.#readFrom(connection);
        if (done) throw new HawserError('SIG_CLOSED');
        if (value.length === 0) continue;
        this.#retry.progressed();
        return value;
      } catch (error) {
        await this.#hangUp();
        await this.#retry.after(error);
      }
    }
  }

  async #connect(): Promise<Connection> {
    const { account, signal, stallMs = STALL_MS } = this.#options;
    const controller = new AbortController();
    // A timer of its own: the signal must live as long as the reading, and no longer wait than for the first byte.
    const timer = setTimeout(() => controller.abort(new DOMException('no answer', 'TimeoutError')), stallMs);
    try {
      const response = await account.callRaw({
        method: 'GET',
        path: `assets/${encodeURIComponent(this.#asset)}`,
        headers: this.#at === 0 ? {} : { range: `bytes=${this.#at}-` },
        signal: signal ? AbortSignal.any([signal, controller.signal]) : controller.signal,
      });
      if (!response.body || this.#totalOf(response) !== this.#total) {
        controller.abort();
        throw new DeviceError('FILE_DAMAGED');
      }
      this.#connection = { reader: response.body.getReader(), controller };
      return this.#connection;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The length of the whole file, as the answer tells it; NaN where the answer is not about the bytes asked for. */
  #totalOf(response: Response): number {
    const { headers, status } = response;
    if (this.#at === 0 && status === 200) return Number(headers.get('content-length') ?? Number.NaN);
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
    return status === 206 && Number(from) === this.#at ? Number(total) : Number.NaN;
  }

  async #readFrom({ reader, controller }: Connection) {
    const { signal, stallMs = STALL_MS } = this.#options;
    const timer = setTimeout(() => controller.abort(new DOMException('stalled', 'TimeoutError')), stallMs);
    try {
      return await reader.read();
    } catch (error) {
      throw connectionError(error, signal?.aborted ? signal : controller.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  async #hangUp(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (!connection) return;
    connection.controller.abort();
    await connection.reader.cancel().catch(() => undefined); // it may be broken already
  }
}
