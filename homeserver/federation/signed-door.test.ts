/** The door and the way out together, over real TLS: what is signed comes in, and what a domain may not do stays out. */
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fromBase64Url } from '#signalling/base64.ts';
import { FEDERATION_PATHS } from '#signalling/federation.ts';
import { createPeerServer } from '#trust/door.ts';
import { makeTestDomain, type TestPeer, writeTestPeers } from '#trust/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { openTrust, type Trust } from '#trust/trust.ts';
import { type App, makeApp } from '../http/fastify.ts';
import { openTestStore, until } from '../testing/world.ts';
import { WORLD } from '../world.ts';
import { federationRoutes, noteBody, noteRefusal } from './door.ts';
import { PeerClient } from './peer-client.ts';
import { SigningKeys } from './signing-keys.ts';

const folder = temporaryFolder();
const alpha = await makeTestDomain(folder, 'alpha.example');
const beta = await makeTestDomain(folder, 'beta.example');
const path = FEDERATION_PATHS.goneDevices.replace(':domain', alpha.domain);
const body = '{"devices":["mimi://beta.example/d/AAAAAAAAAAAAAAAAAAAAAA"]}';

let opened: AsyncDisposableStack;
let app: App;
let atAlpha: Trust;
let client: PeerClient;
let keys: SigningKeys;
let ended: string[];
let taken: unknown[];

beforeEach(async () => {
  opened = new AsyncDisposableStack();
  [ended, taken] = [[], []];
  const trustOf = async (own: typeof alpha, peer: TestPeer) => {
    const peers = join(own.folder, 'peers.yaml');
    await writeTestPeers(peers, [peer]);
    const certificates = { ...own, authority: own.authority, revocationList: own.revocationList };
    const trust = await openTrust({ site: { domain: own.domain, peers, certificates }, role: 'homeserver' });
    opened.defer(() => trust.close());
    return trust;
  };
  atAlpha = await trustOf(alpha, { of: beta });
  const store = await openTestStore();
  opened.defer(() => store.close());
  keys = await SigningKeys.open({ store, secret: Buffer.alloc(32), world: WORLD });

  app = makeApp({
    log: pino({ level: 'silent' }),
    world: WORLD,
    bodyLimit: 1_024,
    onRefusal: (code, request) => noteRefusal(request, code),
    onBody: noteBody,
    serverFactory: (handler) =>
      createPeerServer({ ...atAlpha, accepts: { own: [], peers: ['homeserver'] }, requestListener: handler }),
  });
  const never = async () => Promise.reject(new Error('is not asked for'));
  federationRoutes(app, {
    domain: alpha.domain,
    world: WORLD,
    identify: never,
    peer: (domain) => atAlpha.peers.current.get(domain),
    peerSince: () => 0,
    signingKey: async (domain, id) => {
      const found = domain === beta.domain && keys.published.find((each) => each.id === id);
      return found ? fromBase64Url(found.key) : undefined;
    },
    update: never,
    told: never,
    accept: never,
    grant: never,
    onHeard: () => undefined,
    onRequest: (_domain, _call, result) => ended.push(result),
  });
  app.post(FEDERATION_PATHS.goneDevices, async (request) => {
    taken.push(request.body);
    return {};
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  opened.defer(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  const atBeta = await trustOf(beta, { of: alpha, homeserver: `127.0.0.1:${port}` });
  client = new PeerClient({
    ...atBeta,
    domain: beta.domain,
    whereIs: async ({ homeserver }) => (homeserver ? [homeserver] : []),
    signer: () => keys.signer,
    now: WORLD.now,
    onRequest: () => undefined,
  });
});
afterEach(() => opened.disposeAsync());

/** Sends what was prepared, or what is made of it. */
async function send(change: { headers?: Record<string, string>; path?: string; body?: string } = {}) {
  const prepared = await client.prepare(alpha.domain, 'goneDevices', { method: 'POST', path, body });
  const [place] = prepared.places;
  return new Promise<string>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', ...prepared.headers(), ...change.headers };
    const request = httpsRequest({
      ...place,
      agent: prepared.agent,
      method: 'POST',
      path: change.path ?? path,
      headers,
    });
    request.on('error', reject);
    request.on('response', async (response) => {
      const text = Buffer.concat((await response.toArray()) as Buffer[]).toString();
      resolve((JSON.parse(text) as { code?: string }).code ?? 'ok');
    });
    request.end(change.body ?? body);
  });
}

test('what is signed comes in, and what is not, or is another thing, stays out', async () => {
  expect(await send()).toBe('ok');
  expect(taken).toEqual([JSON.parse(body)]);
  expect(await send({ body: body.replace('AAA', 'BBB') })).toBe('FED_SIGNATURE');
  expect(await send({ headers: { signature: 'none' } })).toBe('FED_SIGNATURE');
  expect(await send({ path: `${path}?x` })).toBe('FED_SIGNATURE');
  expect(await send({ headers: { 'hawser-to': 'gamma.example' } })).toBe('FED_WRONG_DESTINATION');
  expect(await send({ headers: { 'hawser-from': 'gamma.example' } })).toBe('FED_SIGNATURE');
  expect(taken).toHaveLength(1);
  await until(() => ended.length === 6, 'all of it is counted');
});

test('a new key signs at once', async () => {
  await keys.rotate();
  expect(await send()).toBe('ok');
});

test('a body that is longer than the call is ever', async () => {
  expect(['SIG_TOO_LARGE', 'closed']).toContain(await send({ body: 'x'.repeat(40_000) }).catch(() => 'closed'));
});

test('what a domain may not do is not asked for, and refused where it is', async () => {
  const list = join(alpha.folder, 'peers.yaml');
  await writeTestPeers(list, [{ of: beta, may: { messages: false, calls: false, search: 'none' } }]);
  await until(() => atAlpha.peers.allowed(beta.domain)?.may.messages === false, 'the list is followed');
  const asked = client.identify(alpha.domain, 'alice');
  await expect(asked).rejects.toMatchObject({ code: 'FED_SCOPE' });
  // Whoever is gone is gone, whatever else is allowed.
  expect(await send()).toBe('ok');
});
