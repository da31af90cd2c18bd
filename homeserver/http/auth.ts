/** Who asks: the access token in the Authorization header (RFC 6750), looked up before any route runs; and what is closed to guests of calls. */
import type { FastifyRequest } from 'fastify';
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId } from '#signalling/ids.ts';
import { type Authenticated, GUEST_TOKEN, type Sessions } from '../as/sessions.ts';

const BEARER = /^Bearer ([A-Za-z0-9_-]{20,200})$/i;

/** @throws HawserError HOME_UNAUTHENTICATED; HOME_FORBIDDEN of a guest, where the route does not say that it is for guests too */
export async function authenticate(sessions: Sessions, request: FastifyRequest): Promise<Authenticated> {
  const self = await sessions.authenticate(tokenOf(request));
  if (self.guest !== undefined && !request.routeOptions.schema?.guests)
    throw new HawserError('HOME_FORBIDDEN', 'guest');
  return self;
}

/** Guests are refused before anything that they send is read. To be a hook of every route for clients. @throws as `authenticate` */
export async function refuseGuests(sessions: Sessions, request: FastifyRequest): Promise<void> {
  const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
  if (token?.startsWith(GUEST_TOKEN)) await authenticate(sessions, request);
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
