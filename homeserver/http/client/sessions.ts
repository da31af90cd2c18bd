/** Signing in, staying signed in, signing out. */
import type { FastifyReply } from 'fastify';
import { API, Session, SignIn } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import { userOf } from '../../as/accounts.ts';
import { ACCESS_SECONDS, REFRESH_SECONDS, type Tokens } from '../../as/sessions.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';

const COOKIE = 'hawser_refresh';

function cookieFor(origin: string) {
  return {
    httpOnly: true,
    sameSite: 'strict',
    secure: origin.startsWith('https:'),
    path: `${API}/sessions`,
  } as const;
}

/** The browser forgets its refresh token. */
export function endCookie(reply: FastifyReply, origin: string): FastifyReply {
  return reply.clearCookie(COOKIE, cookieFor(origin));
}

export function sessionRoutes(app: App, { sessions, domain, origin }: ClientApiOptions): void {
  const cookie = cookieFor(origin);
  const answer = ({ access, refresh, account }: Tokens, reply: FastifyReply): Session => {
    if (refresh !== undefined) reply.setCookie(COOKIE, refresh, { ...cookie, maxAge: REFRESH_SECONDS });
    return { accessToken: access, expiresInSeconds: ACCESS_SECONDS, user: userOf(account, domain) };
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
    const token = request.cookies[COOKIE];
    if (token === undefined || token.length > 200) throw new HawserError('HOME_UNAUTHENTICATED');
    return answer(await sessions.refresh(token), reply);
  });

  app.delete(`${API}/sessions/current`, { schema: told('Signs out.', { by: 'session' }) }, async (request, reply) => {
    const { session } = await authenticate(sessions, request);
    await sessions.end(session);
    endCookie(reply, origin).status(204);
  });
}
