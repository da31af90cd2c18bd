/** Who asks: the access token in the Authorization header (RFC 6750), looked up before any route runs. */
import type { FastifyRequest } from 'fastify';
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId } from '#signalling/ids.ts';
import type { Authenticated, Sessions } from '../as/sessions.ts';

const BEARER = /^Bearer ([A-Za-z0-9_-]{20,200})$/i;

/** @throws HawserError HOME_UNAUTHENTICATED */
export async function authenticate(sessions: Sessions, request: FastifyRequest): Promise<Authenticated> {
  return sessions.authenticate(tokenOf(request));
}

/** The same for what only a device can do. @throws HawserError HOME_UNAUTHENTICATED, HOME_NO_DEVICE */
export async function authenticateDevice(
  sessions: Sessions,
  request: FastifyRequest,
): Promise<Authenticated & { readonly device: DeviceId }> {
  const { device, ...rest } = await authenticate(sessions, request);
  if (device === undefined) throw new HawserError('HOME_NO_DEVICE');
  return { ...rest, device };
}

/** @throws HawserError HOME_UNAUTHENTICATED */
export function tokenOf(request: FastifyRequest): string {
  const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new HawserError('HOME_UNAUTHENTICATED');
  return token;
}
