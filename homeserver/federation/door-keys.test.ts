/** What other domains get to add our people to groups with: for whoever may reach them, and not without an end. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Claimed } from '#signalling/devices.ts';
import type { ErrorCode } from '#signalling/errors.ts';
import { FEDERATION_PATHS } from '#signalling/federation.ts';
import type { DomainKeys } from '#signalling/federation-people.ts';
import { type DeviceId, type UserId, userOfDevice } from '#signalling/ids.ts';
import { type App, makeApp } from '../http/fastify.ts';
import { domain, type TestWorld, testWorld, user } from '../testing/world.ts';
import { keyDoor } from './door-keys.ts';
import { RemoteLimits } from './limits.ts';

const alpha = domain('alpha.example');
const beta = domain('beta.example');
const alice = user('@alice@alpha.example');
const bob = user('@bob@beta.example');
const ben = user('@ben@beta.example');
const device = `${alice}/d/laptop` as DeviceId;

let app: App;
let world: TestWorld;
let barred: UserId | undefined;
let claims: number;

beforeEach(() => {
  [barred, claims, world] = [undefined, 0, testWorld()];
  app = makeApp({ log: pino({ level: 'silent' }), world, bodyLimit: 10_000, onRefusal: () => undefined });
  keyDoor(app, {
    ...{ domain: alpha, peerIn: () => beta, keys: () => ({ domain: alpha }) as DomainKeys },
    limits: new RemoteLimits({ now: world.now, ageOf: () => 0 }),
    mayClaim: async (by, whom) => by !== barred && whom === userOfDevice(device),
    claim: async () => {
      claims += 1;
      return [{ device, keyPackage: 'AAAA' }];
    },
  });
});
afterEach(() => app.close());

async function ask(by: UserId, whom = alice) {
  const url = FEDERATION_PATHS.keyMaterial.replace(':domain', alpha);
  const response = await app.inject({ method: 'POST', url, payload: { by, user: whom } });
  return response.json<Partial<Claimed> & { code?: ErrorCode }>();
}

test('whoever may not sees no device, and takes none away', async () => {
  expect(await ask(bob)).toEqual({ keyPackages: [{ device, keyPackage: 'AAAA' }] });
  barred = bob;
  expect(await ask(bob)).toEqual({ keyPackages: [] });
  expect(claims).toBe(1);
});

test('one person who takes too many is refused, and others of his domain are not', async () => {
  for (let count = 0; count < 300; count += 1) expect((await ask(bob)).code).toBeUndefined();
  expect((await ask(bob)).code).toBe('FED_LIMIT');
  expect((await ask(ben)).code).toBeUndefined();
  world.advance(1_000);
  expect((await ask(bob)).code).toBeUndefined();
  expect(claims).toBe(302);
});
