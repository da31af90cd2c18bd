/**
 * Files that lie at other domains, for our own people: asked for when somebody asks, passed on piece by piece, kept nowhere. What the
 * other side says of a file is judged by our own policy before the first byte of it is passed on.
 */
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { Check } from 'typebox/value';
import { AssetKind } from '#signalling/assets.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import { FEDERATION_PATHS, type FederationCall, versionOf } from '#signalling/federation.ts';
import { type AssetId, type DomainName, domainOf } from '#signalling/ids.ts';
import { type AssetInfo, WrongRange } from '../assets/assets.ts';
import type { ByteRange } from '../assets/store.ts';
import { Slots } from '../http/slots.ts';
import type { Piece } from '../http/stream.ts';
import { KIND_HEADER } from './door-files.ts';
import { Unreachable } from './errors.ts';
import { connectionError, type PeerClient, type Prepared, parseProblem, readAnswer } from './peer-client.ts';

export interface DownloadsOptions {
  readonly peers: Pick<PeerClient, 'greet' | 'prepare'>;
  /** By our own policy. */
  readonly refusalOf: (info: AssetInfo) => HawserError | undefined;
  /** For the metrics. */
  readonly onRequest: (domain: DomainName, call: FederationCall, result: ErrorCode | 'ok') => void;
  /** 30 s when left out. */
  readonly idleMs?: number;
  /** 8 s when left out. */
  readonly answerMs?: number;
}

/** At once, of one domain, whose slowness is then no other's, and of all. */
const TRANSFERS = 100;
const ALL_TRANSFERS = 800;
const ANSWER_MS = 8_000;
/** Nothing came, or nothing was taken, for so long. */
const IDLE_MS = 30_000;

export class Downloads {
  readonly #options: DownloadsOptions;
  readonly #transfers = new Slots(TRANSFERS, ALL_TRANSFERS);

  constructor(options: DownloadsOptions) {
    this.#options = options;
  }

  get underWay(): number {
    return this.#transfers.taken;
  }

  /**
   * Opens a file of another domain. Whoever gets it reads or destroys its bytes, which also ends the request over there.
   * @param range a Range header, undefined for the whole
   * @param signal the person has gone
   * @throws HawserError HOME_ASSET_TOO_LARGE, HOME_ASSET_KIND by our own policy, FED_FILE_POLICY by that of the other side, WrongRange,
   * HOME_NOT_FOUND, FED_OLD_VERSION, FED_LIMIT, SIG_BUSY, and as every request of PeerClient
   */
  async open(asset: AssetId, range: string | undefined, signal: AbortSignal): Promise<Piece> {
    const { peers, onRequest } = this.#options;
    const domain = domainOf(asset);
    const giveBack = this.#transfers.take(domain);
    if (!giveBack) throw new HawserError('SIG_BUSY', 'transfers at once');
    try {
      if ((await peers.greet(domain)) < versionOf('proxyDownload')) throw new HawserError('FED_OLD_VERSION', domain);
      const path = FEDERATION_PATHS.proxyDownload.replace(':asset', encodeURIComponent(asset));
      const prepared = await peers.prepare(domain, 'proxyDownload', { method: 'GET', path });
      const response = await this.#ask(domain, prepared, { path, ...(range && { headers: { range } }), signal });
      response.once('close', giveBack);
      const piece = await this.#judge(domain, response).catch((error: unknown) => {
        response.destroy();
        throw error;
      });
      onRequest(domain, 'proxyDownload', 'ok');
      return piece;
    } catch (error) {
      giveBack();
      onRequest(domain, 'proxyDownload', error instanceof HawserError ? error.code : 'SIG_INTERNAL');
      throw error;
    }
  }

  /** At one address after the other, until somebody answers there. */
  async #ask(
    domain: DomainName,
    { places, agent, headers }: Prepared,
    options: RequestOptions & { signal: AbortSignal },
  ): Promise<IncomingMessage> {
    const { idleMs = IDLE_MS, answerMs = ANSWER_MS } = this.#options;
    let failure: HawserError = new Unreachable([domain]);
    for (const { host, port } of places) {
      try {
        const asked = { ...options, host, port, agent, headers: { ...headers(), ...options.headers } };
        // A kept connection may be closed by the other side in the moment of its use.
        return await answerTo(asked, answerMs, idleMs).catch(() => {
          options.signal.throwIfAborted();
          return answerTo(asked, answerMs, idleMs);
        });
      } catch (error) {
        if (options.signal.aborted) throw new HawserError('SIG_CLOSED');
        failure = connectionError(domain, error);
        if (failure.code !== 'FED_UNREACHABLE') break;
      }
    }
    throw failure;
  }

  async #judge(domain: DomainName, response: IncomingMessage): Promise<Piece> {
    const { statusCode = 0, headers } = response;
    if (statusCode !== 200 && statusCode !== 206) {
      const refusal = parseProblem(domain, await readAnswer(response));
      const whole = /^bytes \*\/(\d{1,15})$/.exec(headers['content-range'] ?? '')?.[1];
      throw refusal.code === 'HOME_ASSET_RANGE' && whole !== undefined ? new WrongRange(Number(whole)) : refusal;
    }
    const length = Number(headers['content-length'] ?? Number.NaN);
    const [size, range] = statusCode === 200 ? wholeOf(length) : partOf(headers['content-range'], length);
    const kind = headers[KIND_HEADER];
    if (size === undefined || !Check(AssetKind, kind)) throw new Unreachable([domain]);
    const refusal = this.#options.refusalOf({ size, kind });
    if (refusal) throw refusal;
    return { size, range, isWhole: statusCode === 200, bytes: response };
  }
}

type Told = readonly [number, ByteRange] | readonly [undefined];

function wholeOf(length: number): Told {
  return Number.isSafeInteger(length) && length > 0 ? [length, { from: 0, to: length - 1 }] : [undefined];
}

/** What is said of a part must be true of its length, or our own answer would promise what never comes. */
function partOf(header: string | undefined, length: number): Told {
  const [, first, last, whole] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header ?? '') ?? [];
  const [from, to, size] = [Number(first), Number(last), Number(whole)];
  return from <= to && to < size && to - from + 1 === length ? [size, { from, to }] : [undefined];
}

/** The head of the answer; its body is read by whoever gets it. */
function answerTo(options: RequestOptions, answerMs: number, idleMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ ...options, method: 'GET' });
    const deadline = setTimeout(() => request.destroy(new HawserError('SIG_TIMEOUT')), answerMs);
    request.once('close', () => clearTimeout(deadline));
    request.on('error', reject);
    request.setTimeout(idleMs, () => request.destroy(new HawserError('SIG_TIMEOUT')));
    request.once('response', (response) => {
      clearTimeout(deadline);
      resolve(response);
    });
    request.end();
  });
}
