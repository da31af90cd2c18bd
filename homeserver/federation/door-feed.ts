/** Where other hubs deliver what goes to the groups that devices of this domain are in. */
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { FEDERATION_PATHS } from '#signalling/federation.ts';
import { Feed, type FeedAnswer } from '#signalling/federation-feed.ts';
import { DomainName } from '#signalling/ids.ts';
import type { App } from '../http/fastify.ts';
import { peerIn, refuseOther } from './door.ts';
import { isTooLong } from './feed-judge.ts';

export interface FeedDoorOptions {
  readonly domain: DomainName;
  readonly take: (hub: DomainName, feed: Feed) => Promise<FeedAnswer>;
}

/** Of one hub: the request that is under way, and the one after it where the answer to that was lost. */
const AT_ONCE = 2;

export function feedRoutes(app: App, { domain, take }: FeedDoorOptions): void {
  const running = new Map<DomainName, number>();

  app.post(
    FEDERATION_PATHS.feed,
    {
      schema: { params: Closed({ domain: DomainName }), body: Feed },
      // Before the body is read, which is large.
      onRequest: async (request, reply) => {
        const hub = peerIn(request);
        const count = running.get(hub) ?? 0;
        if (count >= AT_ONCE) throw new HawserError('SIG_BUSY');
        running.set(hub, count + 1);
        reply.raw.once('close', () => {
          const left = (running.get(hub) ?? 1) - 1;
          if (left > 0) running.set(hub, left);
          else running.delete(hub);
        });
      },
    },
    async (request) => {
      refuseOther(domain, request.params.domain);
      if (isTooLong(request.body)) throw new HawserError('SIG_TOO_LARGE');
      return take(peerIn(request), request.body);
    },
  );
}
