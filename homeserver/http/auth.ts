/** Who asks: the access token in the Authorization header (RFC 6750), looked up before any route runs. */
import type { FastifyRequest } from 'fastify';
import { HawserError } from '#signalling/errors.ts';
import type { Authenticated, Sessions } from '../as/sessions.ts';

const BEARER = /^Bearer ([A-Za-z0-9_-]{20,200})$/i;

/** @throws HawserError HOME_UNAUTHENTICATED */
export async function authenticate(sessions: Sessions, request: FastifyRequest): Promise<Authenticated> {
  const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new HawserError('HOME_UNAUTHENTICATED');
  return sessions.authenticate(token);
}
