/** The devices of a person, and what others add them to groups with. */

import { API } from '#signalling/client-home.ts';
import { Closed } from '#signalling/contract.ts';
import {
  Authority,
  CertifiedDevice,
  Claim,
  Claimed,
  Devices,
  KeyPackageCount,
  KnownDevice,
  NewDevice,
  NewKeyPackages,
  Renewal,
} from '#signalling/devices.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import { DeviceId, DomainName, domainOf } from '#signalling/ids.ts';
import { statedAuthority } from '../../as/authorities.ts';
import { authenticate, authenticateDevice, tokenOf } from '../auth.ts';
import type { App } from '../fastify.ts';
import { RateLimit } from '../rate.ts';
import { told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';

/** 101 key packages with their chains of certificates. */
const KEY_PACKAGES_LIMIT = 1024 * 1024;
/** Of one person: whoever makes a group of 500 claims as fast as this lets him, and nobody empties others' stores quickly. */
const CLAIMS_PER_SECOND = 20;
/** New devices and certificates of one person: each costs a signature, and a line in lists that everybody fetches. */
const CERTIFICATES_PER_SECOND = 0.1;
const CERTIFICATES_AT_ONCE = 16;

/** Where it is about another domain. */
const OF_ITS_DOMAIN = [
  'FED_UNREACHABLE',
  'FED_NOT_ALLOWED',
  'FED_REFUSED',
  'FED_TLS',
  'FED_VERSION',
  'FED_OLD_VERSION',
  'FED_FOREIGN',
  'FED_WRONG_DESTINATION',
  'FED_SCOPE',
  'FED_LIMIT',
] as const satisfies readonly ErrorCode[];

const OneDevice = { params: Closed({ device: DeviceId }) };
const OneDomain = { params: Closed({ domain: DomainName }) };

export function deviceRoutes(app: App, options: ClientApiOptions): void {
  const { sessions, devices, keyPackages, authorities, hubKey, domain, world, claimFar, authorityOf, conversations } =
    options;
  const claims = new RateLimit(CLAIMS_PER_SECOND, world.now);
  const certificates = new RateLimit(CERTIFICATES_PER_SECOND, world.now, CERTIFICATES_AT_ONCE);
  const path = `${API}/devices`;

  app.get(
    path,
    { schema: told('The own devices, oldest first.', { by: 'session', answer: Devices }) },
    async (request) => {
      const { user } = await authenticate(sessions, request);
      return { devices: await devices.list(user) };
    },
  );

  const add = told('Makes a device and binds the session to it. Every other device is told, and an e-mail is sent.', {
    by: 'session',
    guests: true,
    status: 201,
    answer: CertifiedDevice,
    refusals: ['HOME_BAD_DEVICE_KEY', 'HOME_TOO_MANY_DEVICES', 'HOME_HAS_DEVICE', 'HOME_SLOW_DOWN'],
  });
  app.post(path, { schema: { body: NewDevice, ...add } }, async (request, reply) => {
    const { session, user } = await authenticate(sessions, request);
    if (!certificates.take(user)) throw new HawserError('HOME_SLOW_DOWN');
    reply.status(201);
    return devices.add({ session, user, address: request.ip }, request.body);
  });

  const resume = told('Binds the session to a device that is known, by a proof that its key is there.', {
    by: 'session',
    guests: true,
    answer: CertifiedDevice,
    refusals: ['HOME_BAD_DEVICE_KEY', 'HOME_NOT_FOUND', 'HOME_HAS_DEVICE'],
  });
  app.post(`${path}/current`, { schema: { body: KnownDevice, ...resume } }, async (request) => {
    const { session, user } = await authenticate(sessions, request);
    return devices.resume({ session, user, address: request.ip }, tokenOf(request), request.body);
  });

  const renew = told('A certificate for a longer time, for the same key.', {
    by: 'device',
    guests: true,
    answer: CertifiedDevice,
    refusals: ['HOME_BAD_DEVICE_KEY', 'HOME_NOT_FOUND', 'HOME_SLOW_DOWN'],
  });
  app.post(`${path}/current/certificate`, { schema: { body: Renewal, ...renew } }, async (request) => {
    const { user, device } = await authenticateDevice(sessions, request);
    if (!certificates.take(user)) throw new HawserError('HOME_SLOW_DOWN');
    return devices.renew(device, request.body.request);
  });

  const left = told('How many key packages wait to be used.', { by: 'device', guests: true, answer: KeyPackageCount });
  app.get(`${path}/current/key-packages`, { schema: left }, async (request) => {
    const { device } = await authenticateDevice(sessions, request);
    return { left: await keyPackages.left(device) };
  });

  const bring = told('Brings key packages in the place of those before. One bad one, and the old ones stay.', {
    by: 'device',
    guests: true,
    answer: KeyPackageCount,
    refusals: ['HOME_BAD_KEY_PACKAGE', 'HOME_NOT_FOUND', 'HOME_SLOW_DOWN'],
  });
  app.put(
    `${path}/current/key-packages`,
    { schema: { body: NewKeyPackages, ...bring }, bodyLimit: KEY_PACKAGES_LIMIT },
    async (request) => {
      const { user, device } = await authenticateDevice(sessions, request);
      if (!claims.take(user)) throw new HawserError('HOME_SLOW_DOWN');
      return { left: await keyPackages.replace(device, request.body) };
    },
  );

  const remove = told('Removes a device: its certificate is revoked, its sessions end, and it leaves every group.', {
    by: 'session',
    refusals: ['HOME_NOT_FOUND'],
  });
  app.delete(`${path}/:device`, { schema: { ...OneDevice, ...remove } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await devices.remove(user, request.params.device);
    reply.status(204);
  });

  const claim = told('One key package of each device of a person, to add them to a group.', {
    by: 'device',
    answer: Claimed,
    refusals: ['HOME_NOT_CONNECTED', 'HOME_SLOW_DOWN', ...OF_ITS_DOMAIN],
  });
  app.post(`${API}/key-packages/claim`, { schema: { body: Claim, ...claim } }, async (request) => {
    const self = await authenticateDevice(sessions, request);
    if (!claims.take(self.user)) throw new HawserError('HOME_SLOW_DOWN');
    const { user } = request.body;
    if (domainOf(user) !== domain) return claimFar(self.user, user);
    return { keyPackages: await keyPackages.claim(user, self.device) };
  });

  const about = 'What speaks for the devices of a domain, and what it took back; of this domain for everybody.';
  const authority = told(about, {
    by: 'nobody',
    guests: true,
    answer: Authority,
    refusals: ['HOME_UNAUTHENTICATED', ...OF_ITS_DOMAIN],
  });
  app.get(`${API}/authorities/:domain`, { schema: { ...OneDomain, ...authority } }, async (request) => {
    if (request.params.domain === domain) return statedAuthority(domain, authorities, hubKey);
    // Whom this domain deals with is for its own people; to a guest it is whoever may be in his call.
    const { user, guest } = await authenticate(sessions, request);
    if (guest !== undefined) {
      const { members } = await conversations.getInCall(user, guest);
      if (!members.some((member) => member.domain === request.params.domain)) throw new HawserError('HOME_NOT_FOUND');
    }
    return authorityOf(request.params.domain);
  });
}
