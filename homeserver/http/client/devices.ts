/** The devices of a person, and what others add them to groups with. */

import { toBase64Url } from '#signalling/base64.ts';
import { API } from '#signalling/client-home.ts';
import { Closed } from '#signalling/contract.ts';
import { Claim, KnownDevice, NewDevice, NewKeyPackages, Renewal } from '#signalling/devices.ts';
import { HawserError } from '#signalling/errors.ts';
import { DeviceId, DomainName, domainOf } from '#signalling/ids.ts';
import { authenticate, authenticateDevice, tokenOf } from '../auth.ts';
import type { App } from '../fastify.ts';
import { RateLimit } from '../rate.ts';
import type { ClientApiOptions } from './api.ts';

/** 101 key packages with their chains of certificates. */
const KEY_PACKAGES_LIMIT = 1024 * 1024;
/** Of one person: whoever makes a group of 500 claims as fast as this lets him, and nobody empties others' stores quickly. */
const CLAIMS_PER_SECOND = 20;
/** New devices and certificates of one person: each costs a signature, and a line in lists that everybody fetches. */
const CERTIFICATES_PER_SECOND = 0.1;
const CERTIFICATES_AT_ONCE = 16;

const OneDevice = { params: Closed({ device: DeviceId }) };
const OneDomain = { params: Closed({ domain: DomainName }) };

export function deviceRoutes(app: App, options: ClientApiOptions): void {
  const { sessions, devices, keyPackages, authorities, hubKey, domain, world } = options;
  const claims = new RateLimit(CLAIMS_PER_SECOND, world.now);
  const certificates = new RateLimit(CERTIFICATES_PER_SECOND, world.now, CERTIFICATES_AT_ONCE);
  const path = `${API}/devices`;

  app.get(path, async (request) => {
    const { user } = await authenticate(sessions, request);
    return { devices: await devices.list(user) };
  });

  app.post(path, { schema: { body: NewDevice } }, async (request, reply) => {
    const { session, user } = await authenticate(sessions, request);
    if (!certificates.take(user)) throw new HawserError('HOME_SLOW_DOWN');
    reply.status(201);
    return devices.add({ session, user, address: request.ip }, request.body);
  });

  app.post(`${path}/current`, { schema: { body: KnownDevice } }, async (request) => {
    const { session, user } = await authenticate(sessions, request);
    return devices.resume({ session, user, address: request.ip }, tokenOf(request), request.body);
  });

  app.post(`${path}/current/certificate`, { schema: { body: Renewal } }, async (request) => {
    const { user, device } = await authenticateDevice(sessions, request);
    if (!certificates.take(user)) throw new HawserError('HOME_SLOW_DOWN');
    return devices.renew(device, request.body.request);
  });

  app.get(`${path}/current/key-packages`, async (request) => {
    const { device } = await authenticateDevice(sessions, request);
    return { left: await keyPackages.left(device) };
  });

  app.put(
    `${path}/current/key-packages`,
    { schema: { body: NewKeyPackages }, bodyLimit: KEY_PACKAGES_LIMIT },
    async (request) => {
      const { user, device } = await authenticateDevice(sessions, request);
      if (!claims.take(user)) throw new HawserError('HOME_SLOW_DOWN');
      return { left: await keyPackages.replace(device, request.body) };
    },
  );

  app.delete(`${path}/:device`, { schema: OneDevice }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await devices.remove(user, request.params.device);
    reply.status(204);
  });

  app.post(`${API}/key-packages/claim`, { schema: { body: Claim } }, async (request) => {
    const self = await authenticateDevice(sessions, request);
    if (!claims.take(self.user)) throw new HawserError('HOME_SLOW_DOWN');
    const { user } = request.body;
    if (domainOf(user) !== domain) throw new HawserError('HOME_NOT_FOUND', 'user');
    return { keyPackages: await keyPackages.claim(user, self.device) };
  });

  app.get(`${API}/authorities/:domain`, { schema: OneDomain }, async (request) => {
    await authenticate(sessions, request);
    const authority = authorities.of(request.params.domain);
    if (!authority) throw new HawserError('HOME_NOT_FOUND', 'domain');
    return {
      domain: request.params.domain,
      roots: authority.roots.map(toBase64Url),
      revocations: authority.revocations.map(toBase64Url),
      hub: toBase64Url(hubKey),
    };
  });
}
