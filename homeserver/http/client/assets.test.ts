/** The routes of files with real sockets: headers, refusals, and clients that mean harm. */

import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ASSET_KINDS, AssetPolicy, AssetUpload, MAX_PART } from '#signalling/assets.ts';
import { API } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import type { AssetId } from '#signalling/ids.ts';
import { createAccount } from '../../as/accounts.ts';
import { Sessions } from '../../as/sessions.ts';
import { Assets } from '../../assets/assets.ts';
import { FolderStore } from '../../assets/folder.ts';
import { sha256, someBytes, streamOf } from '../../assets/testing/bytes.ts';
import { type Organisation, organise, PASSWORD, type World } from '../../testing/organisation.ts';
import { ask, type Person, Refused } from '../../testing/person.ts';
import { domain, openTestStore, until } from '../../testing/world.ts';
import { WORLD } from '../../world.ts';
import { makeApp } from '../fastify.ts';
import { assetRoutes } from './assets.ts';

let world: World;
let alpha: Organisation;
let alice: Person;
let bob: Person;
let requests = 0;
const BYTES = 'application/octet-stream';
const PIECE = 4_000_000;

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  alice = await alpha.person('alice', 'Alice');
  bob = await alpha.person('bob', 'Bob');
});
afterAll(() => world[Symbol.asyncDispose]());

const pathOf = (asset: string, rest = '') => `assets/${encodeURIComponent(asset)}${rest}`;
const tokenOf = (person: Person) => ({ accessToken: person.session.accessToken });
const bearer = (person: Person) => ({ authorization: `Bearer ${person.session.accessToken}` });
const nextRequest = () => {
  requests += 1;
  return String(requests).padStart(22, 'B');
};
/** As a device does it: told to slow down, it tries again until it may. */
function begin(size: number, more: object = {}): Promise<AssetUpload> {
  const body = { request: nextRequest(), size, kind: 'image', ...more };
  return until(async () => {
    try {
      return await ask(alpha.url, 'POST', 'assets', AssetUpload, { ...tokenOf(alice), body });
    } catch (error) {
      if (error instanceof Refused && error.code === 'HOME_SLOW_DOWN') return undefined;
      throw error;
    }
  }, 'an upload begins');
}
const patch = (asset: string, offset: number | string, body: Uint8Array, headers: Record<string, string> = {}) =>
  fetch(`${alpha.url}${API}/${pathOf(asset)}?offset=${offset}`, {
    method: 'PATCH',
    body: new Uint8Array(body),
    headers: { ...bearer(alice), 'content-type': 'application/octet-stream', ...headers },
  });
const get = (asset: string, headers: Record<string, string> = {}, person = alice) =>
  fetch(`${alpha.url}${API}/${pathOf(asset)}`, { headers: { ...bearer(person), ...headers } });
const refused = async (answer: Response | Promise<Response>) => {
  const response = await answer;
  return [response.status, ((await response.json()) as { code: string }).code];
};
async function sent(bytes: Buffer): Promise<AssetId> {
  const { asset } = await begin(bytes.length);
  for (let at = 0; at < bytes.length; at += PIECE) {
    expect((await patch(asset, at, bytes.subarray(at, at + PIECE))).status).toBe(200);
  }
  await ask(alpha.url, 'POST', pathOf(asset, '/complete'), AssetUpload, {
    ...tokenOf(alice),
    body: { sha256: sha256(bytes) },
  });
  return asset;
}

test('policy, upload, where it stands, download by another person, deletion', async () => {
  const policy = await ask(alpha.url, 'GET', 'assets/policy', AssetPolicy, tokenOf(alice));
  expect(policy).toMatchObject({ maxBytes: 100_000_000, kinds: [...ASSET_KINDS] });
  const bytes = someBytes(100_000);
  const { asset } = await begin(bytes.length);
  expect((await patch(asset, 0, bytes.subarray(0, 10))).status).toBe(200);
  expect(await ask(alpha.url, 'GET', pathOf(asset, '/upload'), AssetUpload, tokenOf(alice))).toMatchObject({
    received: 10,
  });
  const wrong = await patch(asset, 11, bytes.subarray(11));
  expect([wrong.status, await wrong.json()]).toMatchObject([409, { code: 'HOME_ASSET_OFFSET', received: 10 }]);
  expect(await refused(get(asset))).toEqual([404, 'HOME_NOT_FOUND']);
  expect((await patch(asset, 10, bytes.subarray(10))).status).toBe(200);
  const body = { sha256: sha256(bytes) };
  await ask(alpha.url, 'POST', pathOf(asset, '/complete'), AssetUpload, { ...tokenOf(alice), body });
  const response = await get(asset, {}, bob);
  expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  await ask(alpha.url, 'DELETE', pathOf(asset), undefined, tokenOf(alice));
  expect(await refused(get(asset))).toEqual([404, 'HOME_NOT_FOUND']);
});

test('no browser may show, run or guess about what is in a file, or share it with others', async () => {
  const asset = await sent(Buffer.from('<script>alert(1)</script>'));
  const { headers } = await get(asset);
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'private, max-age=31536000, immutable',
    'accept-ranges': 'bytes',
    'content-length': '25',
  });
  expect(headers.get('set-cookie')).toBeNull();
  expect(headers.get('access-control-allow-origin')).toBeNull();
  // The access token alone counts: a page that is made to load the address brings none.
  const bare = await fetch(`${alpha.url}${API}/${pathOf(asset)}`, { headers: { cookie: 'hawser_refresh=x' } });
  expect(await refused(bare)).toEqual([401, 'HOME_UNAUTHENTICATED']);
  expect(bare.headers.get('cache-control')).toBe('no-store');
  expect(await refused(get(asset, { origin: 'http://evil.example' }))).toEqual([403, 'HOME_FORBIDDEN']);
});

test.each([
  ['bytes=0-0', 206, 'bytes 0-0/100', 1],
  ['bytes=90-', 206, 'bytes 90-99/100', 10],
  ['bytes=-5', 206, 'bytes 95-99/100', 5],
  ['bytes=0-4,8-9', 200, null, 100],
  ['bytes=100-', 416, 'bytes */100', undefined],
  ['bytes=-0', 416, 'bytes */100', undefined],
  ['bytes=5-2', 416, 'bytes */100', undefined],
  ['bytes=-1-5', 416, 'bytes */100', undefined],
  ['bytes=99999999999999999999-', 416, 'bytes */100', undefined],
])('a range of %s', async (range, status, expected, length) => {
  const bytes = someBytes(100);
  const response = await get(await sent(bytes), { range });
  expect([response.status, response.headers.get('content-range')]).toEqual([status, expected]);
  if (length === undefined) expect(await refused(response)).toEqual([416, 'HOME_ASSET_RANGE']);
  else expect((await response.arrayBuffer()).byteLength).toBe(length);
});

describe('refusals', () => {
  const NOWHERE = 'mimi://alpha.example/a/AAAAAAAAAAAAAAAAAAAAAA';

  test('without a token nothing is told or taken', async () => {
    const routes: [string, string][] = [
      ['GET', 'assets/policy'],
      ['POST', 'assets'],
      ['GET', pathOf(NOWHERE)],
      ['GET', pathOf(NOWHERE, '/upload')],
      ['POST', pathOf(NOWHERE, '/complete')],
      ['DELETE', pathOf(NOWHERE)],
      ['PATCH', `${pathOf(NOWHERE)}?offset=0`],
    ];
    const bodies: Record<string, object> = {
      assets: { request: nextRequest(), size: 1, kind: 'image' },
      [pathOf(NOWHERE, '/complete')]: { sha256: sha256(Buffer.from('')) },
    };
    for (const [method, path] of routes) {
      const body = method === 'PATCH' ? 'x' : bodies[path] && JSON.stringify(bodies[path]);
      const type = method === 'PATCH' ? 'application/octet-stream' : 'application/json';
      const response = await fetch(`${alpha.url}${API}/${path}`, {
        method,
        ...(body !== undefined && { body, headers: { 'content-type': type } }),
      });
      expect([method, path, ...(await refused(response))]).toEqual([method, path, 401, 'HOME_UNAUTHENTICATED']);
    }
  });

  test.each<[string, object]>([
    ['a negative size', { size: -1 }],
    ['no bytes', { size: 0 }],
    ['a size that is no integer', { size: 1.5 }],
    ['a size that no number holds', { size: 2 ** 53 }],
    ['a kind that there is not', { kind: 'picture' }],
    ['a name', { name: 'holiday.png' }],
    ['a request of another form', { request: 'x' }],
  ])('an upload with %s', async (_what, more) => {
    const body = JSON.stringify({ request: nextRequest(), size: 1, kind: 'image', ...more });
    const headers = { ...bearer(alice), 'content-type': 'application/json' };
    expect(await refused(fetch(`${alpha.url}${API}/assets`, { method: 'POST', body, headers }))).toEqual([
      400,
      'HOME_BAD_REQUEST',
    ]);
  });

  test('a file over the limit, with the limit in the sentence', async () => {
    const body = JSON.stringify({ request: nextRequest(), size: 200_000_000, kind: 'image' });
    const headers = { ...bearer(alice), 'content-type': 'application/json' };
    const response = await fetch(`${alpha.url}${API}/assets`, { method: 'POST', body, headers });
    expect([response.status, await response.json()]).toMatchObject([
      413,
      {
        code: 'HOME_ASSET_TOO_LARGE',
        message: 'Your organisation does not accept files over 100 MB.',
        limit: 100_000_000,
        retry: false,
      },
    ]);
  });

  test.each(['-1', '01', '1e3', '0x10', '', ' 1', '+1', '9999999999999999', 'NaN', '1.5', '0&offset=1'])(
    'an offset of %j',
    async (offset) => {
      const { asset } = await begin(10);
      const response = patch(asset, offset, Buffer.from('x'));
      expect(await refused(response)).toEqual([400, 'HOME_BAD_REQUEST']);
    },
  );

  test('a part that is longer than the file, empty, of another type, or of nobody', async () => {
    const { asset } = await begin(10);
    expect(await refused(patch(asset, 0, someBytes(11)))).toEqual([400, 'HOME_BAD_REQUEST']);
    expect(await refused(patch(asset, 0, someBytes(0)))).toEqual([400, 'HOME_BAD_REQUEST']);
    expect(await refused(patch(asset, 0, someBytes(1), { 'content-type': 'text/plain' }))).toEqual([
      400,
      'HOME_BAD_REQUEST',
    ]);
    expect(await refused(patch(asset, 0, Buffer.from('{}'), { 'content-type': 'application/json' }))).toEqual([
      400,
      'HOME_BAD_REQUEST',
    ]);
    expect(await refused(patch(asset, 0, someBytes(1), bearer(bob)))).toEqual([404, 'HOME_NOT_FOUND']);
    expect(await refused(patch(NOWHERE, 0, someBytes(1)))).toEqual([404, 'HOME_NOT_FOUND']);
    expect(await refused(patch('mimi://beta.example/a/AAAAAAAAAAAAAAAAAAAAAA', 0, someBytes(1)))).toEqual([
      404,
      'HOME_NOT_FOUND',
    ]);
    // And after all of it the upload is as it was.
    expect((await patch(asset, 0, someBytes(10))).status).toBe(200);
  });

  test('other routes take no bytes', async () => {
    const headers = { ...bearer(alice), 'content-type': 'application/octet-stream' };
    const response = fetch(`${alpha.url}${API}/conversations`, { method: 'POST', body: 'x', headers });
    expect(await refused(response)).toEqual([400, 'HOME_BAD_REQUEST']);
  });

  test('more downloads at once than a person needs', async () => {
    // More than the system's buffers take of a download that nobody reads.
    const asset = await sent(someBytes(20_000_000));
    const open = await Promise.all(Array.from({ length: 16 }, () => get(asset)));
    expect(await refused(get(asset))).toEqual([429, 'SIG_BUSY']);
    expect((await get(asset, { range: 'bytes=0-0' }, bob)).status).toBe(206);
    await Promise.all(open.map((response) => response.body?.cancel()));
    await until(async () => (await get(asset, { range: 'bytes=0-0' })).status === 206, 'a place is free again');
  });

  test('more new uploads in a moment than a person begins', async () => {
    const begun = () => {
      const body = { request: nextRequest(), size: 1, kind: 'image' };
      return ask(alpha.url, 'POST', 'assets', AssetUpload, { ...tokenOf(bob), body }).then(
        () => '',
        ({ code }) => String(code),
      );
    };
    const codes = new Set<string>();
    // On a slow machine so many are let in that the other bound is reached too, behind which it goes faster.
    for (let round = 0; round < 10 && !codes.has('HOME_SLOW_DOWN'); round++) {
      for (const code of await Promise.all(Array.from({ length: 40 }, begun))) codes.add(code);
    }
    expect(codes).toContain('HOME_SLOW_DOWN');
    expect(['', 'HOME_SLOW_DOWN', 'HOME_ASSET_UPLOADS']).toEqual(expect.arrayContaining([...codes]));
  });
});

describe('clients that mean harm', () => {
  /** A request whose body comes as the caller likes. */
  const raw = (asset: string, head: string): Socket => {
    const socket = connect({ host: '127.0.0.1', port: alpha.homeserver.ports.client });
    socket.on('error', () => undefined);
    socket.write(
      `PATCH ${API}/${pathOf(asset)}?offset=0 HTTP/1.1\r\nHost: x\r\nAuthorization: ${bearer(alice).authorization}\r\n` +
        `Content-Type: application/octet-stream\r\n${head}\r\n\r\n`,
    );
    return socket;
  };
  const answerOf = (socket: Socket) =>
    new Promise<string>((resolve, reject) => {
      socket.once('data', (data) => resolve(String(data)));
      socket.once('close', () => reject(new Error('closed without an answer')));
    });

  test.each([
    ['a part of 1 TB', 'Content-Length: 1000000000000', '413'],
    ['a part above the limit', `Content-Length: ${MAX_PART + 1}`, '413'],
    ['no length', 'Transfer-Encoding: chunked', '400'],
    ['a negative length', 'Content-Length: -5', '400'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6', '400'],
    ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked', '400'],
  ])('%s is refused before anything is taken', async (_what, head, status) => {
    const { asset } = await begin(50_000_000);
    const socket = raw(asset, head);
    expect(await answerOf(socket)).toContain(`HTTP/1.1 ${status}`);
    socket.destroy();
  });

  test('one that goes away in the middle of a part loses nothing of it and holds nothing open', async () => {
    const { asset } = await begin(1_000_000);
    const socket = raw(asset, 'Content-Length: 1000000');
    const bytes = someBytes(300_000);
    await new Promise((resolve) => socket.write(bytes, resolve));
    const received = async () =>
      (await ask(alpha.url, 'GET', pathOf(asset, '/upload'), AssetUpload, tokenOf(alice))).received;
    const files = new FolderStore({ folder: join(alpha.site.data, 'assets'), keepFree: 0 });
    const name = Buffer.from(asset.slice(asset.lastIndexOf('/') + 1), 'base64url').toString('hex');
    await until(async () => (await files.size(name)) === bytes.length, 'all that was sent is written');
    socket.destroy();
    await until(async () => (await received()) === 300_000, 'what came is kept');
  });

  test('those that send a byte now and then are cut off, keep nobody else out, and what they sent counts', async () => {
    const uploads: AssetUpload[] = [];
    while (uploads.length < 12) uploads.push(await begin(1_000_000));
    const sockets = uploads.map(({ asset }) => raw(asset, 'Content-Length: 1000000'));
    const timer = setInterval(() => {
      for (const socket of sockets) if (!socket.destroyed) socket.write('x');
    }, 200);
    try {
      const began = performance.now();
      const asset = await sent(someBytes(1_000_000));
      expect((await get(asset)).status).toBe(200);
      expect(performance.now() - began).toBeLessThan(10_000);
      await until(() => sockets.every(({ destroyed }) => destroyed), 'all are cut off', 30_000);
    } finally {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    }
    for (const { asset } of uploads) {
      await until(async () => {
        const { received } = await ask(alpha.url, 'GET', pathOf(asset, '/upload'), AssetUpload, tokenOf(alice));
        return received > 10;
      }, 'what they sent is kept');
      await ask(alpha.url, 'DELETE', pathOf(asset), undefined, tokenOf(alice));
    }
  }, 60_000);

  test('ten thousand requests of any form are answered, each with a code, and the files are as they were', async () => {
    alpha.logged.length = 0;
    const bytes = someBytes(50_000);
    const asset = await sent(bytes);
    const open = await begin(20_000);
    const part = someBytes(5_000);
    await patch(open.asset, 0, part);
    const anyPath = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.constantFrom(
          'assets',
          'assets/policy',
          pathOf(asset),
          pathOf(asset, '/upload'),
          pathOf(asset, '/complete'),
          pathOf(open.asset),
          pathOf(open.asset, '/complete'),
          pathOf('mimi://beta.example/a/AAAAAAAAAAAAAAAAAAAAAA'),
        ),
      },
      fc.string({ maxLength: 40 }).map((text) => `assets/${encodeURIComponent(text)}`),
      fc.constantFrom('assets/..%2f..%2fetc%2fpasswd', 'assets/%00', 'assets/%', 'assets//', 'assets/policy/upload'),
    );
    const anyOffset = fc.oneof(fc.nat(20_000).map(String), fc.integer().map(String), fc.string({ maxLength: 12 }));
    const anyQuery = fc.oneof(
      { weight: 2, arbitrary: fc.constant('') },
      { weight: 2, arbitrary: fc.constantFrom('?offset=5000', '?offset=0') },
      { weight: 2, arbitrary: anyOffset.map((offset) => `?offset=${encodeURIComponent(offset)}`) },
      fc.string({ maxLength: 12 }).map((text) => `?${encodeURIComponent(text)}`),
    );
    const anyBody = fc.oneof(
      fc.constant(undefined),
      fc.uint8Array({ maxLength: 200 }),
      fc.json({ maxDepth: 3 }),
      fc.constantFrom('{"request":"AAAAAAAAAAAAAAAAAAAAAA","size":1e400,"kind":"image"}', '['.repeat(5_000)),
    );
    const anyHeaders = fc.record(
      {
        range: fc.oneof(
          fc.tuple(fc.integer(), fc.integer()).map(([a, b]) => `bytes=${a}-${b}`),
          fc.stringMatching(/^[ -~]{0,20}$/),
        ),
        'content-type': fc.constantFrom(BYTES, BYTES, 'application/json', 'application/json', 'text/html', 'x'),
      },
      { requiredKeys: [] },
    );
    // Mostly the right token: what is behind it is of interest.
    const anyToken = fc.oneof(
      { weight: 5, arbitrary: fc.constant({}) },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom('Bearer ', `Bearer ${'a'.repeat(43)}`, 'Basic YTpi')
          .map((authorization) => ({ authorization })),
      },
    );
    const anyRequest = fc.record({
      // Not DELETE of what is checked in the end, which would be no fuzz but a wish.
      method: fc.constantFrom('GET', 'GET', 'POST', 'POST', 'PATCH', 'PATCH', 'PUT', 'HEAD', 'OPTIONS'),
      path: anyPath,
      query: anyQuery,
      body: anyBody,
      headers: anyHeaders,
      token: anyToken,
      address: fc.ipV4(),
    });
    const statuses = new Map<number, number>();
    const wrong: unknown[] = [];
    const samples = fc.sample(anyRequest, 10_000);
    let next = 0;
    const worker = async () => {
      for (let sample = samples[next++]; sample !== undefined; sample = samples[next++]) {
        const { method, path, query, body, headers, token, address } = sample;
        const hasBody = body !== undefined && method !== 'GET' && method !== 'HEAD';
        const response = await fetch(`${alpha.url}${API}/${path}${query}`, {
          method,
          // Of many addresses: else the limit of one would answer for everything.
          headers: { ...bearer(alice), ...headers, ...token, 'x-forwarded-for': address },
          ...(hasBody && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
        });
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        const text = response.headers.get('content-type')?.includes('json') ? await response.text() : '';
        if (text === '') await response.body?.cancel();
        const isCoded = response.ok || method === 'HEAD' || /"code":"(FED|HOME|SIG)_[A-Z_]+"/.test(text);
        if (response.status >= 500 || !isCoded) wrong.push({ ...sample, status: response.status, text });
      }
    };
    await Promise.all(Array.from({ length: 20 }, worker));
    expect(wrong.slice(0, 5)).toEqual([]);
    expect([...statuses.values()].reduce((sum, count) => sum + count)).toBe(10_000);
    // The requests reached the routes, and not only one refusal before them.
    for (const status of [200, 400, 401, 404]) {
      expect(statuses.get(status) ?? 0, JSON.stringify([...statuses])).toBeGreaterThan(50);
    }
    expect(alpha.logged.join('')).not.toContain('"msg":"fault"');
    await until(async () => (await get(asset, { range: 'bytes=0-0' })).status === 206, 'places are free');
    expect(Buffer.from(await (await get(asset)).arrayBuffer()).equals(bytes)).toBe(true);
    const { received } = await ask(alpha.url, 'GET', pathOf(open.asset, '/upload'), AssetUpload, tokenOf(alice));
    expect(received).toBeGreaterThanOrEqual(part.length);
  }, 300_000);
});

test('a download of which nothing is taken is ended, and its place is free', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-idle-'));
  const store = await openTestStore();
  const name = domain('alpha.example');
  const { user } = await createAccount(store.db, name, { handle: 'alice', name: 'A', password: PASSWORD }, WORLD);
  const sessions = new Sessions(store, name, WORLD, () => undefined);
  const { access } = await sessions.signIn({ handle: 'alice', password: PASSWORD, address: 'x' });
  const rules = {
    maxBytes: 1e9,
    kinds: ASSET_KINDS,
    userBytes: 1e9,
    totalBytes: 1e9,
    stalledMs: 1e9,
    keepDays: undefined,
  };
  const files = new FolderStore({ folder, keepFree: 0 });
  const assets = new Assets({ store, files, domain: name, rules, world: WORLD });
  const bytes = someBytes(30_000_000);
  const { asset } = await assets.create(user, { request: nextRequest(), size: bytes.length, kind: 'image' });
  await assets.append(user, asset, { offset: 0, length: bytes.length, bytes: streamOf(bytes) });
  await assets.complete(user, asset, sha256(bytes));
  const app = makeApp({ log: pino({ level: 'silent' }), world: WORLD, bodyLimit: 1_000, onRefusal: () => undefined });
  const downloads = { open: () => Promise.reject(new HawserError('FED_NOT_ALLOWED')) };
  assetRoutes(app, { domain: name, sessions, assets, downloads, world: WORLD, idleMs: 300 });
  await app.listen({ host: '127.0.0.1', port: 0 });
  try {
    const socket = connect({ host: '127.0.0.1', port: (app.server.address() as AddressInfo).port });
    socket.on('error', () => undefined);
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.pause();
    socket.write(`GET ${API}/${pathOf(asset)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${access}\r\n\r\n`);
    const connections = () => new Promise<number>((resolve) => app.server.getConnections((_, count) => resolve(count)));
    await until(async () => (await connections()) === 1, 'it is open');
    await until(async () => (await connections()) === 0, 'it is ended by the server', 5_000);
    socket.destroy();
    await ended;
  } finally {
    await app.close();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
});
