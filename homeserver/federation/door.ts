/**
 * The door for other homeservers. Who asks is what the certificate says (trust/ has checked it before the first byte);
 * what they may say is judged by ds/ and calls/; here it is parsed, limited and counted.
 */
import { Closed } from '#signalling/contract.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import {
  FEDERATION_PATHS,
  FEDERATION_VERSIONS,
  type FederationCall,
  type GrantAnswer,
  GrantRequest,
  IdentifierQuery,
  Operation,
  PeersQuery,
  Statement,
} from '#signalling/federation.ts';
import { ConferenceId, ConversationId, DomainName, domainOf, type UserId, userIdOf } from '#signalling/ids.ts';
import { peerOf } from '#trust/door.ts';
import type { Person } from '../ds/conversation.ts';
import type { App } from '../http/fastify.ts';
import { RateLimit } from '../http/rate.ts';
import type { World } from '../world.ts';

export interface DoorOptions {
  readonly domain: DomainName;
  readonly world: World;
  readonly localPerson: (user: UserId) => Promise<Person | undefined>;
  readonly isAllowed: (domain: DomainName) => boolean;
  readonly update: (from: DomainName, conversation: ConversationId, operation: Operation) => Promise<Statement>;
  readonly accept: (from: DomainName, statement: Statement) => Promise<Statement>;
  readonly grant: (from: DomainName, conference: ConferenceId, conversation: ConversationId) => Promise<GrantAnswer>;
  /** A request of a domain came in: it can be reached again. */
  readonly onHeard: (domain: DomainName) => void;
  readonly onRequest: (domain: DomainName, call: FederationCall | 'unknown', result: ErrorCode | 'ok') => void;
}

/** The largest statement has 10,000 members of at most 400 bytes each. */
export const FEDERATION_BODY_LIMIT = 4 * 1024 * 1024;

/** Of one domain: what a call of some hundred people needs when all join at once, and no more. */
const PER_SECOND = 200;
const AT_ONCE = 64;

const peers = new WeakMap<object, DomainName>();
const codes = new WeakMap<object, ErrorCode>();

/** Notes under which code a request was refused. */
export function noteRefusal(request: object, code: ErrorCode): void {
  codes.set(request, code);
}

export function federationRoutes(app: App, options: DoorOptions): void {
  const { domain, isAllowed, localPerson, update, accept, grant } = options;
  guard(app, options);

  app.get(FEDERATION_PATHS.versions, async () => ({ domain, versions: FEDERATION_VERSIONS }));

  app.post(
    FEDERATION_PATHS.identifierQuery,
    { schema: { params: Closed({ domain: DomainName }), body: IdentifierQuery } },
    async (request) => {
      refuseOther(domain, request.params.domain);
      const person = await localPerson(userIdOf(domain, request.body.handle));
      if (!person) throw new HawserError('HOME_NOT_FOUND', 'user');
      return { user: person.user, name: person.name };
    },
  );

  app.post(
    FEDERATION_PATHS.peersQuery,
    { schema: { params: Closed({ domain: DomainName }), body: PeersQuery } },
    async (request) => {
      refuseOther(domain, request.params.domain);
      return { refused: request.body.domains.filter((other) => other !== domain && !isAllowed(other)) };
    },
  );

  app.post(
    FEDERATION_PATHS.update,
    { schema: { params: Closed({ conversation: ConversationId }), body: Operation } },
    async (request) => {
      refuseOther(domain, domainOf(request.params.conversation));
      return update(peerIn(request), request.params.conversation, request.body);
    },
  );

  app.post(
    FEDERATION_PATHS.notify,
    { schema: { params: Closed({ conversation: ConversationId }), body: Statement } },
    async (request) => {
      if (request.params.conversation !== request.body.conversation) throw new HawserError('HOME_BAD_REQUEST');
      const { seq } = await accept(peerIn(request), request.body);
      return { seq };
    },
  );

  app.post(
    FEDERATION_PATHS.grant,
    { schema: { params: Closed({ conference: ConferenceId }), body: GrantRequest } },
    async (request) => grant(peerIn(request), request.params.conference, request.body.conversation),
  );
}

/** Runs before every route: names the domain, bounds what it may ask, counts how it ended. */
function guard(app: App, { world, isAllowed, onHeard, onRequest }: DoorOptions): void {
  const rate = new RateLimit(PER_SECOND, world.now);
  const running = new Map<DomainName, number>();

  app.addHook('onRequest', async (request, reply) => {
    const { domain, role } = peerOf(request.raw.socket);
    // The SFT of our own domain has its WebSocket and nothing else.
    if (role !== 'homeserver' || !isAllowed(domain)) throw new HawserError('FED_NOT_ALLOWED');
    // Also where the other side hangs up before the answer.
    reply.raw.once('close', () => onRequest(domain, callOf(request.routeOptions.url), codes.get(request) ?? 'ok'));
    if (!rate.take(domain)) throw new HawserError('SIG_FLOOD');
    const count = running.get(domain) ?? 0;
    if (count >= AT_ONCE) throw new HawserError('SIG_BUSY');
    running.set(domain, count + 1);
    reply.raw.once('close', () => {
      const left = (running.get(domain) ?? 1) - 1;
      if (left > 0) running.set(domain, left);
      else running.delete(domain);
    });
    peers.set(request, domain);
    onHeard(domain);
  });
}

function callOf(route: string | undefined): FederationCall | 'unknown' {
  const call = Object.entries(FEDERATION_PATHS).find(([, path]) => path === route)?.[0];
  return call !== undefined && isCall(call) ? call : 'unknown';
}

function isCall(name: string): name is FederationCall {
  return Object.hasOwn(FEDERATION_PATHS, name);
}

function peerIn(request: object): DomainName {
  const peer = peers.get(request);
  if (peer === undefined) throw new HawserError('FED_NOT_ALLOWED');
  return peer;
}

/** Requests for another domain are refused and never forwarded. */
function refuseOther(own: DomainName, meant: DomainName): void {
  if (meant !== own) throw new HawserError('FED_WRONG_DESTINATION');
}
