/** The door's routes about people: who wants to be connected, and who is found. */
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { FEDERATION_PATHS } from '#signalling/federation.ts';
import { ConsentStatement, SearchQuery } from '#signalling/federation-people.ts';
import { DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import type { SearchPolicy } from '../as/directory.ts';
import type { Person } from '../ds/conversation.ts';
import type { App } from '../http/fastify.ts';
import { refuseOther } from './door.ts';
import type { RemoteLimits } from './limits.ts';

export interface PeopleDoorOptions {
  readonly domain: DomainName;
  /** The domain that asks. */
  readonly peerIn: (request: object) => DomainName;
  /** What the asking domain may find. */
  readonly searchPolicy: (domain: DomainName) => SearchPolicy;
  readonly limits: RemoteLimits;
  /** @throws HawserError FED_FOREIGN, FED_WRONG_DESTINATION, FED_LIMIT, HOME_NOT_FOUND */
  readonly hear: (from: DomainName, statement: ConsentStatement) => Promise<void>;
  readonly find: (by: UserId, text: string, policy: SearchPolicy) => Promise<readonly Person[]>;
}

/** To be called behind `federationRoutes`, whose guard runs before these too. */
export function peopleDoorRoutes(app: App, options: PeopleDoorOptions): void {
  const { domain, peerIn, searchPolicy, limits, hear, find } = options;
  const params = Closed({ domain: DomainName });

  app.post(FEDERATION_PATHS.consent, { schema: { params, body: ConsentStatement } }, async (request) => {
    refuseOther(domain, request.params.domain);
    const from = peerIn(request);
    if (domainOf(request.body.from) !== from) throw new HawserError('FED_FOREIGN');
    limits.take('consent', from, request.body.from);
    await hear(from, request.body).catch((error: unknown) => {
      const isNobody = error instanceof HawserError && error.code === 'HOME_NOT_FOUND';
      // Whoever may find nobody does not find out who there is in this way.
      if (!isNobody || searchPolicy(from) !== 'none') throw error;
    });
    return {};
  });

  app.post(FEDERATION_PATHS.search, { schema: { params, body: SearchQuery } }, async (request) => {
    refuseOther(domain, request.params.domain);
    const from = peerIn(request);
    const { by, text } = request.body;
    if (domainOf(by) !== from) throw new HawserError('FED_FOREIGN');
    const policy = searchPolicy(from);
    if (policy === 'none') throw new HawserError('FED_SCOPE');
    limits.take('search', from, by);
    const people = await find(by, text, policy);
    return { people: people.map(({ user, name }) => ({ user, name })) };
  });
}
