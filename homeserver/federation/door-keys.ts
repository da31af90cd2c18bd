/** The part of the door where other domains learn the keys of this one, and get what they add its people to groups with. */
import { Closed } from '#signalling/contract.ts';
import type { Claimed } from '#signalling/devices.ts';
import { HawserError } from '#signalling/errors.ts';
import { FEDERATION_PATHS } from '#signalling/federation.ts';
import { type DomainKeys, KeyMaterialQuery } from '#signalling/federation-people.ts';
import { DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import type { App } from '../http/fastify.ts';
import { refuseOther } from './door.ts';
import type { RemoteLimits } from './limits.ts';

export interface KeyDoorOptions {
  readonly domain: DomainName;
  /** The domain that a request is of. @throws HawserError FED_NOT_ALLOWED */
  readonly peerIn: (request: object) => DomainName;
  /** Of this domain, as they are now. */
  readonly keys: () => DomainKeys;
  /** One key package of each device of somebody of this domain. */
  readonly claim: (user: UserId) => Promise<Claimed['keyPackages']>;
  readonly limits: Pick<RemoteLimits, 'take'>;
  /** Whether somebody of another domain may add somebody of this one. */
  readonly mayClaim: (by: UserId, user: UserId) => Promise<boolean>;
}

export function keyDoor(app: App, { domain, peerIn, keys, claim, limits, mayClaim }: KeyDoorOptions): void {
  app.get(FEDERATION_PATHS.keys, async () => keys());

  app.post(
    FEDERATION_PATHS.keyMaterial,
    { schema: { params: Closed({ domain: DomainName }), body: KeyMaterialQuery } },
    async (request): Promise<Claimed> => {
      const { by, user } = request.body;
      refuseOther(domain, request.params.domain);
      refuseOther(domain, domainOf(user));
      const from = peerIn(request);
      if (domainOf(by) !== from) throw new HawserError('FED_FOREIGN');
      limits.take('keyMaterial', from, by);
      // Whoever may not sees no device, as of somebody who has none: he is not told that he is blocked.
      return { keyPackages: (await mayClaim(by, user)) ? await claim(user) : [] };
    },
  );
}
