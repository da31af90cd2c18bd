/**
 * Files for the people of other domains, who ask through their own homeserver. As for our own people, whoever knows the id of a file
 * may have its ciphertext; what the organisation gives out is bounded by the same policy as what it takes.
 */
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { FEDERATION_PATHS } from '#signalling/federation.ts';
import { AssetId, type DomainName, domainOf } from '#signalling/ids.ts';
import { type AssetInfo, type Assets, WrongRange } from '../assets/assets.ts';
import type { App } from '../http/fastify.ts';
import { RateLimit } from '../http/rate.ts';
import { Slots } from '../http/slots.ts';
import { INERT, sendPiece } from '../http/stream.ts';
import type { World } from '../world.ts';
import { peerIn } from './door.ts';

export interface FileRoutesOptions {
  readonly domain: DomainName;
  readonly world: World;
  readonly assets: Pick<Assets, 'about' | 'open' | 'refusalOf'>;
  /** Whether a domain may exchange messages with this one. */
  readonly mayFetch: (domain: DomainName) => boolean;
  /** 30 s when left out. */
  readonly idleMs?: number;
}

/** What a file is, as its sender said. */
export const KIND_HEADER = 'hawser-asset-kind';

/** Requests of one domain: a device that fetches a file asks a few times, for what a broken connection left over. */
const PER_SECOND = 50;
/** At once, of one domain and of all: a transfer holds a connection, an open file and a buffer of 256 KiB. */
const TRANSFERS = 24;
const ALL_TRANSFERS = 500;
const IDLE_MS = 30_000;

export function fileRoutes(app: App, options: FileRoutesOptions): void {
  const { domain, world, assets, mayFetch, idleMs = IDLE_MS } = options;
  const rate = new RateLimit(PER_SECOND, world.now);
  const transfers = new Slots(TRANSFERS, ALL_TRANSFERS);
  const params = Closed({ asset: AssetId });

  /** @throws HawserError FED_SCOPE, FED_LIMIT, FED_WRONG_DESTINATION, HOME_NOT_FOUND, FED_FILE_POLICY */
  const judged = async (request: object, asset: AssetId): Promise<AssetInfo> => {
    const peer = peerIn(request);
    if (!mayFetch(peer)) throw new HawserError('FED_SCOPE');
    if (!rate.take(peer)) throw new HawserError('FED_LIMIT');
    if (domainOf(asset) !== domain) throw new HawserError('FED_WRONG_DESTINATION');
    const info = await assets.about(asset);
    const refusal = assets.refusalOf(info);
    // In the words of whoever is not of this organisation.
    if (refusal) throw new HawserError('FED_FILE_POLICY', domain, { cause: refusal });
    return info;
  };

  app.head(FEDERATION_PATHS.proxyDownload, { schema: { params } }, async (request, reply) => {
    const { size, kind } = await judged(request, request.params.asset);
    reply.headers(INERT).header(KIND_HEADER, kind).header('content-length', size);
    return reply.send();
  });

  app.get(FEDERATION_PATHS.proxyDownload, { schema: { params } }, async (request, reply) => {
    const { asset } = request.params;
    const { kind } = await judged(request, asset);
    const giveBack = transfers.take(peerIn(request));
    if (!giveBack) throw new HawserError('FED_LIMIT');
    reply.raw.once('close', giveBack);
    if (reply.raw.closed) giveBack();
    const piece = await assets.open(asset, request.headers.range).catch((error: unknown) => {
      if (error instanceof WrongRange) reply.header('content-range', `bytes */${error.size}`);
      throw error;
    });
    reply.header(KIND_HEADER, kind);
    await sendPiece(piece, request, reply, idleMs);
  });
}
