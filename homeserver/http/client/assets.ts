/** Encrypted files: upload part by part, download of any range. Bytes are streamed both ways, as fast as the slower end takes them. */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { AssetPolicy, AssetUpload, CompleteAsset, MAX_PART, NewAsset, PartQuery } from '#signalling/assets.ts';
import { API } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import { type AssetId, domainOf, type UserId } from '#signalling/ids.ts';
import { WrongRange } from '../../assets/assets.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { RateLimit } from '../rate.ts';
import { Slots } from '../slots.ts';
import { type Piece, sendPiece } from '../stream.ts';
import { told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';
import { OfAsset } from './parameters.ts';

/** Uploads that one person begins: each makes the disk sync, and what is never begun is never completed. */
const UPLOADS_PER_SECOND = 10;
/** At once, of one person and of everybody: a transfer holds a connection, an open file and a buffer of 256 KiB. */
const TRANSFERS = 16;
const ALL_TRANSFERS = 1_000;
/** A download of which nothing is taken for so long is ended; it goes on by another request. */
const IDLE_MS = 30_000;

export interface AssetRoutesOptions
  extends Pick<ClientApiOptions, 'domain' | 'sessions' | 'assets' | 'downloads' | 'world'> {
  readonly idleMs?: number;
}

export function assetRoutes(app: App, options: AssetRoutesOptions): void {
  const { domain, sessions, assets, downloads, world, idleMs = IDLE_MS } = options;
  const begun = new RateLimit(UPLOADS_PER_SECOND, world.now);
  const transfers = new Slots(TRANSFERS, ALL_TRANSFERS);

  /** For as long as the answer takes. */
  const takeSlot = (user: UserId, reply: FastifyReply): void => {
    const giveBack = transfers.take(user);
    if (!giveBack) throw new HawserError('SIG_BUSY', 'transfers at once');
    reply.raw.once('close', giveBack);
    // Gone before it was listened to.
    if (reply.raw.closed) giveBack();
  };

  /** A file that lies at another organisation, which is asked for as long as somebody here waits for it. */
  const foreign = (asset: AssetId, range: string | undefined, reply: FastifyReply): Promise<Piece> => {
    if (range !== undefined && /^bytes=/i.test(range) && !/^bytes=[\d,\s-]{1,60}$/i.test(range)) {
      return Promise.reject(new HawserError('HOME_ASSET_RANGE'));
    }
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    if (reply.raw.closed) gone.abort();
    return downloads.open(asset, range, gone.signal);
  };

  const policy = told('Which files the organisation accepts.', { by: 'session', answer: AssetPolicy });
  app.get(`${API}/assets/policy`, { schema: policy }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return assets.policy(user);
  });

  const create = told('Makes room for an encrypted file. The same request again finds the same upload.', {
    by: 'session',
    status: 201,
    answer: AssetUpload,
    refusals: [
      'HOME_ASSET_TOO_LARGE',
      'HOME_ASSET_KIND',
      'HOME_ASSET_QUOTA',
      'HOME_ASSET_UPLOADS',
      'HOME_ASSET_NO_ROOM',
      'HOME_ASSET_CONFLICT',
      'HOME_ASSET_STORE',
      'HOME_NOT_FOUND',
      'HOME_SLOW_DOWN',
    ],
  });
  app.post(`${API}/assets`, { schema: { body: NewAsset, ...create } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    if (!begun.take(user)) throw new HawserError('HOME_SLOW_DOWN');
    const upload = await assets.create(user, request.body);
    reply.status(201);
    return upload;
  });

  const progress = told('Where an own upload stands.', {
    by: 'session',
    answer: AssetUpload,
    refusals: ['HOME_NOT_FOUND', 'HOME_FORBIDDEN'],
  });
  app.get(`${API}/assets/:asset/upload`, { schema: { ...OfAsset, ...progress } }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return assets.progress(user, request.params.asset);
  });

  const complete = told('Makes a file of an upload, once all of it is there and has the given hash.', {
    by: 'session',
    answer: AssetUpload,
    refusals: [
      'HOME_ASSET_INCOMPLETE',
      'HOME_ASSET_HASH',
      'HOME_ASSET_COMPLETE',
      'HOME_ASSET_STORE',
      'HOME_NOT_FOUND',
      'HOME_FORBIDDEN',
    ],
  });
  app.post(
    `${API}/assets/:asset/complete`,
    { schema: { ...OfAsset, body: CompleteAsset, ...complete } },
    async (request) => {
      const { user } = await authenticate(sessions, request);
      return assets.complete(user, request.params.asset, request.body.sha256);
    },
  );

  const remove = told('Deletes an own file, or gives up an upload.', {
    by: 'session',
    refusals: ['HOME_NOT_FOUND', 'HOME_FORBIDDEN', 'HOME_ASSET_STORE'],
  });
  app.delete(`${API}/assets/:asset`, { schema: { ...OfAsset, ...remove } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await assets.remove(user, request.params.asset);
    reply.status(204);
  });

  const download = told('The ciphertext of a file, or the range that the Range header names (206).', {
    by: 'session',
    answer: Type.String({ format: 'binary' }),
    produces: ['application/octet-stream'],
    refusals: [
      'HOME_NOT_FOUND',
      'HOME_ASSET_RANGE',
      'HOME_ASSET_STORE',
      'SIG_BUSY',
      // Of a file that lies at another organisation.
      'HOME_ASSET_TOO_LARGE',
      'HOME_ASSET_KIND',
      'FED_FILE_POLICY',
      'FED_NOT_ALLOWED',
      'FED_REFUSED',
      'FED_TLS',
      'FED_UNREACHABLE',
      'FED_VERSION',
      'FED_OLD_VERSION',
      'FED_SCOPE',
      'FED_LIMIT',
    ],
  });
  app.get(`${API}/assets/:asset`, { schema: { ...OfAsset, ...download } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    takeSlot(user, reply);
    const { asset } = request.params;
    const { range } = request.headers;
    const piece = await (domainOf(asset) === domain ? assets.open(asset, range) : foreign(asset, range, reply)).catch(
      (error: unknown) => {
        if (error instanceof WrongRange) reply.header('content-range', `bytes */${error.size}`);
        throw error;
      },
    );
    await sendPiece(piece, request, reply, idleMs);
  });

  // The only route whose body is no JSON, in a scope of its own, so that no other takes such a body.
  app.register(async (scope: App) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/octet-stream', async (_request: unknown, body: unknown) => body);
    const append = told('The next part of an upload: bytes, and their length in Content-Length.', {
      by: 'session',
      answer: AssetUpload,
      consumes: ['application/octet-stream'],
      refusals: [
        'HOME_ASSET_OFFSET',
        'HOME_ASSET_OVERTAKEN',
        'HOME_ASSET_COMPLETE',
        'HOME_ASSET_NO_ROOM',
        'HOME_ASSET_STORE',
        'HOME_NOT_FOUND',
        'HOME_FORBIDDEN',
        'SIG_BUSY',
        'SIG_CLOSED',
      ],
    });
    const OnePart = { ...OfAsset, querystring: PartQuery, ...append };
    scope.patch(`${API}/assets/:asset`, { schema: OnePart }, async (request, reply) => {
      try {
        const { user } = await authenticate(sessions, request);
        takeSlot(user, reply);
        const length = lengthOf(request);
        const offset = Number(request.query.offset);
        return await assets.append(user, request.params.asset, { offset, length, bytes: request.raw });
      } catch (error) {
        // What is still coming is read and dropped, so that the answer arrives; it is one part at the most.
        if (announced(request) > MAX_PART) reply.header('connection', 'close');
        else request.raw.resume();
        throw error;
      }
    });
  });
}

/** @throws HawserError SIG_TOO_LARGE; HOME_BAD_REQUEST where no length or nothing is announced */
function lengthOf(request: FastifyRequest): number {
  const length = announced(request);
  if (length > MAX_PART) throw new HawserError('SIG_TOO_LARGE');
  if (!(length > 0) || !(request.body instanceof Readable)) {
    throw new HawserError('HOME_BAD_REQUEST', 'a part needs bytes and their length');
  }
  return length;
}

/** NaN where the length is not said. Node's parser has refused whatever is no number. */
function announced({ headers }: FastifyRequest): number {
  return headers['content-length'] === undefined ? Number.NaN : Number(headers['content-length']);
}
