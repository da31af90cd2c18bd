/**
 * The door for other homeservers. Who asks is what the certificate says (trust/ has checked it before the first byte);
 * what they may say is judged by ds/ and calls/; here it is parsed, limited and counted.
 */
import { type Readable, Transform } from 'node:stream';
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
import type { Peer } from '#trust/identity.ts';
import type { Person } from '../ds/conversation.ts';
import type { App } from '../http/fastify.ts';
import type { World } from '../world.ts';
import { bodyLimitOf, DoorLimits } from './door-limits.ts';
import { judge } from './judge.ts';
import { type Claims, digestOf } from './signature.ts';
import { isSigned, SignedRequests, type SignedRequestsOptions } from './signed-requests.ts';

export interface DoorOptions {
  readonly domain: DomainName;
  readonly world: World;
  /** Somebody of this domain, as far as the other one may know. @throws HawserError HOME_NOT_FOUND, FED_SCOPE */
  readonly identify: (from: DomainName, user: UserId) => Promise<Person>;
  /** The entry of a domain on the allow list. */
  readonly peer: (domain: DomainName) => Peer | undefined;
  /** When it was allowed, ms since 1970. */
  readonly peerSince: (domain: DomainName) => number | undefined;
  /** See `SignedRequestsOptions`. */
  readonly signingKey: SignedRequestsOptions['signingKey'];
  readonly update: (from: DomainName, conversation: ConversationId, operation: Operation) => Promise<Statement>;
  /** As the domain is told of it besides. */
  readonly told: (domain: DomainName, statement: Statement) => Promise<Statement>;
  readonly accept: (from: DomainName, statement: Statement) => Promise<Statement>;
  readonly grant: (from: DomainName, conference: ConferenceId, conversation: ConversationId) => Promise<GrantAnswer>;
  /** A request of a domain came in: it can be reached again. */
  readonly onHeard: (domain: DomainName) => void;
  /** When the certificate that it shows ends, ms since 1970. */
  readonly onSeen?: (domain: DomainName, certificateEndsAt: number) => void;
  readonly onRequest: (domain: DomainName, call: FederationCall | 'unknown', result: ErrorCode | 'ok') => void;
}

const peers = new WeakMap<object, DomainName>();
const codes = new WeakMap<object, ErrorCode>();
const claims = new WeakMap<object, Claims>();
const digests = new WeakMap<object, string>();

/** Notes under which code a request was refused. */
export function noteRefusal(request: object, code: ErrorCode): void {
  codes.set(request, code);
}

/**
 * Whether a request ended because of what the domain is or did, and not of what somebody asked for: those are in the audit log. Our own
 * faults, and answers such as that there is nobody of that name, are not.
 */
export function isRefusal(result: ErrorCode | 'ok'): boolean {
  return result.startsWith('FED_') || ODD.has(result);
}

const ODD: ReadonlySet<ErrorCode | 'ok'> = new Set([
  'SIG_TOO_LARGE',
  'SIG_MALFORMED',
  'SIG_TOO_DEEP',
  'HOME_BAD_REQUEST',
  'HOME_FORBIDDEN',
  // No device of ours says these, and no race leads to them.
  'MLS_MALFORMED',
  'MLS_REFUSED',
  'MLS_WRONG_GROUP',
  'MLS_FOREIGN_REMOVAL',
  'MLS_CREDENTIAL_REFUSED',
]);

/** Notes of which body the signature has to be: called for each one before it is parsed. */
export function noteBody(request: object, text: string): void {
  if (claims.has(request)) digests.set(request, digestOf(text));
}

export function federationRoutes(app: App, options: DoorOptions): void {
  const { domain, peer, identify, update, told, accept, grant } = options;
  const isAllowed = (other: DomainName) => peer(other)?.state === 'allowed';
  guard(app, options);

  app.get(FEDERATION_PATHS.versions, async () => ({ domain, versions: FEDERATION_VERSIONS }));

  app.post(
    FEDERATION_PATHS.identifierQuery,
    { schema: { params: Closed({ domain: DomainName }), body: IdentifierQuery } },
    async (request) => {
      refuseOther(domain, request.params.domain);
      const person = await identify(peerIn(request), userIdOf(domain, request.body.handle));
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
      const from = peerIn(request);
      refuseBarred(judge(peer(from), { call: 'update', direction: 'in', operation: request.body.type }));
      const statement = await update(from, request.params.conversation, request.body);
      // Whoever has gone as the last of a domain learns no more than that.
      return told(from, statement);
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

/** Bytes of a body that says how long it is are known before it is read. */
function announcedOf(headers: { readonly 'content-length'?: string | undefined }): number {
  return Number(headers['content-length'] ?? 0);
}

/** Passes a body on as long as it may go on. */
function counted(body: Readable, onBytes: (bytes: number) => void): Readable {
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        onBytes(chunk.length);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
  body.once('error', (error) => through.destroy(error));
  return body.pipe(through);
}

/** Runs before every route: names the domain, judges whether it may ask this, bounds how much, counts how it ended. */
function guard(app: App, options: DoorOptions): void {
  const { domain: own, world, peer: entryOf, peerSince, signingKey, onHeard, onSeen, onRequest } = options;
  const limits = new DoorLimits({ now: world.now, since: peerSince });
  const signatures = new SignedRequests({ domain: own, now: world.now, signingKey });

  app.addHook('onRoute', (route) => {
    route.bodyLimit ??= bodyLimitOf(callOf(route.url));
  });

  app.addHook('onRequest', async (request, reply) => {
    const { domain, role, expires } = peerOf(request.raw.socket);
    // The SFT of our own domain has its WebSocket and nothing else.
    if (role !== 'homeserver') throw new HawserError('FED_NOT_ALLOWED');
    const call = callOf(request.routeOptions.url);
    // Also where the other side hangs up before the answer.
    reply.raw.once('close', () => onRequest(domain, call, codes.get(request) ?? 'ok'));
    refuseBarred(judge(entryOf(domain), { call, direction: 'in' }));
    reply.raw.once('close', limits.enter(domain, call));
    const announced = announcedOf(request.headers);
    // What is longer than the call may be is not read at all.
    if (announced <= (request.routeOptions.bodyLimit ?? 0)) limits.weigh(domain, call, announced);
    if (isSigned(call)) claims.set(request, signatures.begin(domain, request.raw.url ?? '', request.headers));
    peers.set(request, domain);
    onHeard(domain);
    onSeen?.(domain, expires);
  });

  app.addHook('preParsing', async (request, _reply, body) => {
    const domain = peers.get(request);
    if (domain === undefined || request.headers['transfer-encoding'] === undefined) return body;
    const call = callOf(request.routeOptions.url);
    return counted(body, (bytes) => limits.weigh(domain, call, bytes));
  });

  app.addHook('preValidation', async (request) => {
    const claimed = claims.get(request);
    if (!claimed) return;
    const { method, raw } = request;
    await signatures.finish(claimed, { method, path: raw.url ?? '', digest: digests.get(request) });
  });
}

function refuseBarred(code: ErrorCode | undefined): void {
  if (code !== undefined) throw new HawserError(code);
}

function callOf(route: string | undefined): FederationCall | 'unknown' {
  const call = Object.entries(FEDERATION_PATHS).find(([, path]) => path === route)?.[0];
  return call !== undefined && isCall(call) ? call : 'unknown';
}

function isCall(name: string): name is FederationCall {
  return Object.hasOwn(FEDERATION_PATHS, name);
}

/** Whose request it is, by its certificate. @throws HawserError FED_NOT_ALLOWED */
export function peerIn(request: object): DomainName {
  const peer = peers.get(request);
  if (peer === undefined) throw new HawserError('FED_NOT_ALLOWED');
  return peer;
}

/** Requests for another domain are refused and never forwarded. */
export function refuseOther(own: DomainName, meant: DomainName): void {
  if (meant !== own) throw new HawserError('FED_WRONG_DESTINATION');
}
