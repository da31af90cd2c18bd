/** What the door tells other domains of people, by how much each may find. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import { FEDERATION_PATHS } from '#signalling/federation.ts';
import type { ConsentStatement } from '#signalling/federation-people.ts';
import type { SearchPolicy } from '../as/directory.ts';
import { type App, makeApp } from '../http/fastify.ts';
import { domain, testWorld, user } from '../testing/world.ts';
import { peopleDoorRoutes } from './door-people.ts';
import { RemoteLimits } from './limits.ts';

const alpha = domain('alpha.example');
const beta = domain('beta.example');
const alice = user('@alice@alpha.example');
const bob = user('@bob@beta.example');

let app: App;
let policy: SearchPolicy;
let heard: ConsentStatement[];
let sought: unknown[];

beforeEach(() => {
  [policy, heard, sought] = ['full', [], []];
  const world = testWorld();
  app = makeApp({ log: pino({ level: 'silent' }), world, bodyLimit: 10_000, onRefusal: () => undefined });
  peopleDoorRoutes(app, {
    domain: alpha,
    peerIn: () => beta,
    searchPolicy: () => policy,
    limits: new RemoteLimits({ now: world.now, ageOf: () => 0 }),
    hear: async (_, statement) => {
      if (statement.to !== alice) throw new HawserError('HOME_NOT_FOUND', 'user');
      heard.push(statement);
    },
    find: async (...wanted) => {
      sought.push(wanted);
      return [{ user: alice, name: 'Alice' }];
    },
  });
});
afterEach(() => app.close());

async function ask(call: 'consent' | 'search', body: object, to = 'alpha.example') {
  const url = FEDERATION_PATHS[call].replace(':domain', to);
  const response = await app.inject({ method: 'POST', url, payload: body });
  return { status: response.statusCode, body: response.json<{ code?: ErrorCode }>() };
}
const consent = { from: bob, to: alice, name: 'Bob', wants: true, seq: 1 };

test('a statement is heard, and answered with nothing', async () => {
  expect(await ask('consent', consent)).toEqual({ status: 200, body: {} });
  expect(heard).toEqual([consent]);
});

test('of somebody of a third domain, to another one, or with more in it, nothing is heard', async () => {
  const stranger = user('@carol@gamma.example');
  expect((await ask('consent', { ...consent, from: stranger })).body.code).toBe('FED_FOREIGN');
  expect((await ask('search', { by: stranger, text: 'a' })).body.code).toBe('FED_FOREIGN');
  expect((await ask('consent', consent, 'gamma.example')).body.code).toBe('FED_WRONG_DESTINATION');
  expect((await ask('search', { by: bob, text: 'a' }, 'gamma.example')).body.code).toBe('FED_WRONG_DESTINATION');
  for (const more of [
    { ...consent, isBlocked: true },
    { ...consent, seq: 0 },
    { ...consent, name: '' },
  ]) {
    expect((await ask('consent', more)).body.code).toBe('HOME_BAD_REQUEST');
  }
  expect([heard, sought]).toEqual([[], []]);
});

test('to nobody looks like to somebody where the domain may find nobody', async () => {
  const nobody = { ...consent, to: user('@nobody@alpha.example') };
  expect((await ask('consent', nobody)).body.code).toBe('HOME_NOT_FOUND');
  policy = 'none';
  expect(await ask('consent', nobody)).toEqual(await ask('consent', consent));
});

test('a search finds as much as the policy for the domain allows', async () => {
  expect(await ask('search', { by: bob, text: 'ali' })).toEqual({
    status: 200,
    body: { people: [{ user: alice, name: 'Alice' }] },
  });
  policy = 'exact';
  await ask('search', { by: bob, text: 'ali' });
  policy = 'none';
  expect((await ask('search', { by: bob, text: 'ali' })).body.code).toBe('FED_SCOPE');
  expect(sought).toEqual([
    [bob, 'ali', 'full'],
    [bob, 'ali', 'exact'],
  ]);
});

test('whoever searches without end is told to wait', async () => {
  for (let i = 0; i < 20; i++) expect((await ask('search', { by: bob, text: 'a' })).status).toBe(200);
  expect(await ask('search', { by: bob, text: 'a' })).toMatchObject({
    status: 429,
    body: { code: 'FED_LIMIT', retry: true },
  });
  expect((await ask('search', { by: user('@dave@beta.example'), text: 'a' })).status).toBe(200);
});
