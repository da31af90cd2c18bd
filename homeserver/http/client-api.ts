/** The routes of signalling/client-home.ts. Each parses, asks the service that knows, and shows what came back. */
import type { FastifyReply } from 'fastify';
import { API, NewConversation, NewMember, type Session, SignIn, UserQuery } from '#signalling/client-home.ts';
import { Closed, Nothing } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { ConversationId, type DomainName, domainOf, handleOf, parseAddress, type UserId } from '#signalling/ids.ts';
import { userOf } from '../as/accounts.ts';
import { ACCESS_SECONDS, REFRESH_SECONDS, type Sessions, type Tokens } from '../as/sessions.ts';
import type { Calls } from '../calls/calls.ts';
import { shown } from '../ds/changes.ts';
import type { Person } from '../ds/conversation.ts';
import type { Conversations } from '../ds/conversations.ts';
import type { World } from '../world.ts';
import { authenticate } from './auth.ts';
import type { App } from './fastify.ts';
import { RateLimit } from './rate.ts';

export interface ClientApiOptions {
  readonly domain: DomainName;
  readonly world: World;
  /** Origin of the public URL: `https://alpha.example`. */
  readonly origin: string;
  /** `wss://sft.alpha.example/client/v1` */
  readonly sft: string;
  readonly sessions: Sessions;
  readonly conversations: Conversations;
  readonly calls: Calls;
  readonly localPerson: (user: UserId) => Promise<Person | undefined>;
  /** Somebody of another domain. @throws HawserError as the federation client */
  readonly remotePerson: (who: { domain: DomainName; handle: string }) => Promise<Person>;
  readonly onTicket: () => void;
}

const COOKIE = 'hawser_refresh';
/** The largest body: a conversation with 500 members of at most 180 bytes. */
export const CLIENT_BODY_LIMIT = 128 * 1024;
/** Requests a second from one address, behind which a whole organisation may sit. */
const PER_SECOND = 200;

/** Of one person: nobody types faster, and other domains count all our people's look-ups together. */
const LOOK_UPS_PER_SECOND = 10;

const InConversation = { params: Closed({ conversation: ConversationId }) };

export function clientApi(app: App, options: ClientApiOptions): void {
  const rate = new RateLimit(PER_SECOND, options.world.now);
  app.addHook('onRequest', async (request, reply) => {
    if (!rate.take(request.ip)) throw new HawserError('SIG_FLOOD');
    // The refresh cookie is SameSite=Strict; this also keeps out other ports and subdomains, which are the same site.
    const { origin } = request.headers;
    if (origin !== undefined && origin !== options.origin) throw new HawserError('HOME_FORBIDDEN', 'origin');
    reply.header('cache-control', 'no-store');
  });
  sessionRoutes(app, options);
  peopleRoutes(app, options);
  conversationRoutes(app, options);
  callRoutes(app, options);
}

function sessionRoutes(app: App, { sessions, domain, origin }: ClientApiOptions): void {
  const cookie = {
    httpOnly: true,
    sameSite: 'strict',
    secure: origin.startsWith('https:'),
    path: `${API}/sessions`,
  } as const;
  const answer = ({ access, refresh, account }: Tokens, reply: FastifyReply): Session => {
    if (refresh !== undefined) reply.setCookie(COOKIE, refresh, { ...cookie, maxAge: REFRESH_SECONDS });
    return { accessToken: access, expiresInSeconds: ACCESS_SECONDS, user: userOf(account, domain) };
  };

  app.post(`${API}/sessions`, { schema: { body: SignIn } }, async (request, reply) => {
    const tokens = await sessions.signIn({ ...request.body, address: request.ip });
    return answer(tokens, reply);
  });

  app.post(`${API}/sessions/refresh`, async (request, reply) => {
    const token = request.cookies[COOKIE];
    if (token === undefined || token.length > 200) throw new HawserError('HOME_UNAUTHENTICATED');
    return answer(await sessions.refresh(token), reply);
  });

  app.delete(`${API}/sessions/current`, async (request, reply) => {
    const { session } = await authenticate(sessions, request);
    await sessions.end(session);
    reply.clearCookie(COOKIE, cookie).status(204);
  });
}

function peopleRoutes(app: App, { sessions, domain, world, localPerson, remotePerson }: ClientApiOptions): void {
  const lookUps = new RateLimit(LOOK_UPS_PER_SECOND, world.now);
  const show = (person: Person) => userOf(person, domainOf(person.user));

  app.get(`${API}/me`, async (request) => {
    const { user } = await authenticate(sessions, request);
    const person = await localPerson(user);
    if (!person) throw new HawserError('HOME_UNAUTHENTICATED');
    return show(person);
  });

  app.get(`${API}/users`, { schema: { querystring: UserQuery } }, async (request) => {
    const self = await authenticate(sessions, request);
    if (!lookUps.take(self.user)) throw new HawserError('HOME_SLOW_DOWN');
    const user = parseAddress(request.query.address);
    if (user === undefined) throw new HawserError('HOME_BAD_REQUEST', 'an address looks like @name@domain');
    const person =
      domainOf(user) === domain
        ? await localPerson(user)
        : await remotePerson({ domain: domainOf(user), handle: handleOf(user) });
    if (!person || handleOf(person.user) !== handleOf(user)) throw new HawserError('HOME_NOT_FOUND');
    return show(person);
  });
}

function conversationRoutes(app: App, { sessions, conversations }: ClientApiOptions): void {
  app.get(`${API}/conversations`, async (request) => {
    const { user } = await authenticate(sessions, request);
    return { conversations: (await conversations.list(user)).map(shown) };
  });

  app.post(`${API}/conversations`, { schema: { body: NewConversation } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    const { title, members } = request.body;
    reply.status(201);
    return shown(await conversations.create(user, title, members));
  });

  app.get(`${API}/conversations/:conversation`, { schema: InConversation }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return shown(await conversations.get(user, request.params.conversation));
  });

  app.post(
    `${API}/conversations/:conversation/members`,
    { schema: { ...InConversation, body: NewMember } },
    async (request) => {
      const { user } = await authenticate(sessions, request);
      return shown(await conversations.addMember(user, request.params.conversation, request.body.user));
    },
  );
}

function callRoutes(app: App, { sessions, calls, sft, onTicket }: ClientApiOptions): void {
  const path = `${API}/conversations/:conversation/call`;
  const schema = { ...InConversation, body: Nothing };
  const ticketFor = async (user: UserId, conversation: ConversationId) => {
    const { ticket, participant, call } = await calls.ticket(user, conversation);
    onTicket();
    return { ticket, sft, participant, call };
  };

  // Starts the call, or finds the one that goes on, and lets in: one round trip from the click to the media server.
  app.post(path, { schema }, async (request) => {
    const { user } = await authenticate(sessions, request);
    const { conversation } = request.params;
    await calls.start(user, conversation);
    return ticketFor(user, conversation);
  });

  app.post(`${path}/tickets`, { schema }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return ticketFor(user, request.params.conversation);
  });

  app.delete(path, { schema: InConversation }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await calls.end(user, request.params.conversation);
    reply.status(204);
  });
}
