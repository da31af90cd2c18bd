/** Signing in, staying signed in, signing out. */
import type { FastifyReply } from 'fastify';
import { API, Session, SignIn } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import { ownUserOf } from '../../as/accounts.ts';
import { ACCESS_SECONDS, REFRESH_SECONDS, type Tokens } from '../../as/sessions.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';

/**
 * Over HTTPS the prefix makes browsers take it from this very host and scheme only (RFC 6265bis, section 4.1.3.2): no
 * subdomain, and nobody in the network, can put another person's session in its place. It costs the narrow path.
 */
function cookieFor(origin: string) {
  const secure = origin.startsWith('https:');
  return {
    name: secure ? '__Host-hawser_refresh' : 'hawser_refresh',
    attributes: { httpOnly: true, sameSite: 'strict', secure, path: secure ? '/' : `${API}/sessions` },
  } as const;
}

/** The browser forgets its refresh token. */
export function endCookie(reply: FastifyReply, origin: string): FastifyReply {
  const { name, attributes } = cookieFor(origin);
  return reply.clearCookie(name, attributes);
}

export function sessionRoutes(app: App, { sessions, guests, domain, origin }: ClientApiOptions): void {
  const { name, attributes } = cookieFor(origin);
  const answer = ({ access, refresh, account }: Tokens, reply: FastifyReply): Session => {
    if (refresh !== undefined) reply.setCookie(name, refresh, { ...attributes, maxAge: REFRESH_SECONDS });
    return { accessToken: access, expiresInSeconds: ACCESS_SECONDS, user: ownUserOf(account, domain) };
  };

  const signIn = told('Signs in by handle or e-mail address. The refresh cookie comes with the answer.', {
    by: 'nobody',
    answer: Session,
    refusals: ['HOME_WRONG_CREDENTIALS', 'HOME_SLOW_DOWN'],
  });
  app.post(`${API}/sessions`, { schema: { body: SignIn, ...signIn } }, async (request, reply) => {
    const tokens = await sessions.signIn({ ...request.body, address: request.ip });
    return answer(tokens, reply);
  });

  const renew = told('A new access token, and a new refresh cookie.', { by: 'cookie', answer: Session });
  app.post(`${API}/sessions/refresh`, { schema: renew }, async (request, reply) => {
    const token = request.cookies[name];
    if (token === undefined || token.length > 200) throw new HawserError('HOME_UNAUTHENTICATED');
    return answer(await sessions.refresh(token), reply);
  });

  app.delete(
    `${API}/sessions/current`,
    { schema: told('Signs out.', { by: 'session', guests: true }) },
    async (request, reply) => {
      const { session, user, guest } = await authenticate(sessions, request);
      if (guest !== undefined) {
        // The cookie is that of somebody else who uses this browser.
        await guests.leave(user);
        return reply.status(204).send();
      }
      await sessions.end(session);
      endCookie(reply, origin).status(204);
    },
  );
}
