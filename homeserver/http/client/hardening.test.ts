/** What a review of the client's door looks for: headers, cookies, origins, caches, sizes, and clients that take their time. */
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API, EVENTS_PATH } from '#signalling/client-home.ts';
import type { HomeserverOptions } from '../../main.ts';
import { type Organisation, organise, PASSWORD, type World } from '../../testing/organisation.ts';
import { until } from '../../testing/world.ts';
import { CLIENT_SOCKET_LIMITS } from '../limits.ts';

let world: World;
let alpha: Organisation;

/** Short enough to wait for; whoever does not test them has those of people, because a busy machine takes its time too. */
const clientSockets = {
  headersTimeout: 400,
  requestTimeout: 800,
  keepAliveTimeout: 600,
  handshakeTimeout: 500,
  connectionsCheckingInterval: 50,
};

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  await alpha.homeserver.createAccount({ handle: 'alice', name: 'Alice', password: PASSWORD });
});
afterAll(() => world[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${alpha.url}${path}`, { method, headers });
const signIn = JSON.stringify({ handle: 'alice', password: PASSWORD });
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${alpha.url}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

/** A client on the bare socket. */
function client() {
  const socket = connect({ host: '127.0.0.1', port: alpha.homeserver.ports.client });
  let heard = '';
  let isClosed = false;
  socket.on('data', (data) => {
    heard += String(data);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isClosed = true;
  });
  return {
    socket,
    get heard() {
      return heard;
    },
    closed: (withinMs = 10_000) => until(() => isClosed, 'the server closes the connection', withinMs),
  };
}

describe('a page of another origin', () => {
  const paths = ['/', '/nothing', `${API}/registration`, `${API}/nothing`, `${API}/openapi.json`];

  test.each(['https://evil.example', 'null', 'http://alpha.example'])('%s is told nothing', async (origin) => {
    for (const path of paths) {
      for (const method of ['GET', 'OPTIONS', 'POST']) {
        const asked = {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization',
        };
        const { headers, status } = await get(path, asked, method);
        expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
        if (method !== 'GET') expect(status).toBeGreaterThanOrEqual(400);
      }
    }
    const response = await post(`${API}/sessions`, signIn, { origin });
    expect(response.status).toBe(403);
    expect(response.headers.get('set-cookie')).toBeNull();
  });

  test('cannot ask with a form: no body but JSON is read', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      expect((await post(`${API}/sessions`, signIn, { 'content-type': type })).status).toBe(400);
    }
  });
});

describe('what is somebody’s own', () => {
  test('no cache keeps, refusals included', async () => {
    const { accessToken } = (await (await post(`${API}/sessions`, signIn)).json()) as { accessToken: string };
    const own = { authorization: `Bearer ${accessToken}` };
    const answers = [
      await get(`${API}/me`, own),
      await get(`${API}/devices`, own),
      await get(`${API}/conversations`, own),
      await get(`${API}/me`),
      await get(`${API}/nothing`, own),
      await get(`${API}/me`, { ...own, origin: 'https://evil.example' }),
      await post(`${API}/sessions`, signIn),
      await post(`${API}/sessions`, '{'),
      await get('/%ff'),
    ];
    for (const { headers, url } of answers) expect(headers.get('cache-control'), url).toBe('no-store');
  });
});

test('every answer has an id, which a refusal and the log have too', async () => {
  alpha.logged.length = 0;
  const response = await get(`${API}/me`, { 'request-id': 'chosen-by-the-client' });
  const id = response.headers.get('request-id') ?? '';
  expect(id).toMatch(/^[0-9a-f]{12}$/);
  expect((await response.json()) as object).toMatchObject({ id });
  const lines = alpha.logged.map((line) => JSON.parse(line) as { reqId?: string; route?: string; status?: number });
  expect(lines).toContainEqual(expect.objectContaining({ reqId: id, route: `${API}/me`, status: 401 }));
  expect((await get('/')).headers.get('request-id')).toMatch(/^[0-9a-f]{12}$/);
});

test('nothing tells which software answers', async () => {
  const { headers } = await get('/');
  expect(headers.get('server')).toBeNull();
  expect(headers.get('x-powered-by')).toBeNull();
});

describe('a client that takes its time', () => {
  beforeAll(async () => {
    await alpha.stop();
    await alpha.start({ clientSockets });
  });
  afterAll(async () => {
    await alpha.stop();
    await alpha.start();
  });

  test('says nothing', async () => {
    const { closed } = client();
    await closed();
  });

  test('sends one header after the other', async () => {
    const slow = client();
    const timer = setInterval(() => slow.socket.write('x-more: 1\r\n'), 50);
    slow.socket.write(`GET ${API}/registration HTTP/1.1\r\nhost: x\r\n`);
    await slow.closed().finally(() => clearInterval(timer));
    expect(slow.heard).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(slow.heard).toContain('"code":"SIG_TIMEOUT"');
  });

  test('sends one byte of the body after the other', async () => {
    const slow = client();
    slow.socket.write(
      `POST ${API}/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`,
    );
    const timer = setInterval(() => slow.socket.write(' '), 50);
    await slow.closed().finally(() => clearInterval(timer));
  });

  test('keeps a connection that it does not use', async () => {
    const idle = client();
    idle.socket.write(`GET ${API}/registration HTTP/1.1\r\nhost: x\r\n\r\n`);
    await until(() => idle.heard.includes('"mode"'), 'an answer');
    await idle.closed();
  });

  test('asks for a WebSocket that is not there, and leaves it open', async () => {
    const half = client();
    half.socket.write('GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    await half.closed();
    expect(half.heard).toMatch(/^HTTP\/1\.1 404 /);
  });

  test('is not given longer where people ask', () => {
    const { headersTimeout, requestTimeout, handshakeTimeout, connectionsCheckingInterval } = CLIENT_SOCKET_LIMITS;
    expect(headersTimeout + connectionsCheckingInterval).toBeLessThanOrEqual(15_000);
    expect(requestTimeout + connectionsCheckingInterval).toBeLessThanOrEqual(20_000);
    expect(handshakeTimeout).toBeLessThanOrEqual(10_000);
  });
});

test('a client that resets what it asked to upgrade does no harm', async () => {
  for (let i = 0; i < 40; i++) {
    await new Promise<void>((resolve) => {
      const socket: Socket = connect({ host: '127.0.0.1', port: alpha.homeserver.ports.client }, () => {
        const path = i % 2 === 0 ? '/nowhere' : EVENTS_PATH;
        socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`, () => {
          socket.resetAndDestroy();
        });
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
    });
  }
  expect((await get(`${API}/registration`)).status).toBe(200);
});

describe('too much of', () => {
  test.each([
    ['headers', `GET / HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(17_000)}\r\n\r\n`],
    ['path', `GET /${'x'.repeat(17_000)} HTTP/1.1\r\nhost: x\r\n\r\n`],
    ['cookies', `GET / HTTP/1.1\r\nhost: x\r\ncookie: ${'a=b; '.repeat(4_000)}\r\n\r\n`],
  ])('%s is refused with a code', async (_what, text) => {
    const large = client();
    large.socket.write(text);
    await large.closed();
    expect(large.heard).toMatch(/^HTTP\/1\.1 431 /);
    expect(large.heard).toContain('"code":"SIG_TOO_LARGE"');
  });

  test.each([
    ['two lengths', 'content-length: 3\r\ncontent-length: 4'],
    ['a length and pieces', 'content-length: 3\r\ntransfer-encoding: chunked'],
    ['a length that is none', 'content-length: +3'],
    ['a broken line', 'x-broken: a\rb'],
  ])('%s is no request', async (_what, headers) => {
    const wrong = client();
    wrong.socket.write(
      `POST ${API}/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}\r\n\r\n{}x`,
    );
    await wrong.closed();
    expect(wrong.heard).toMatch(/^HTTP\/1\.1 400 /);
    expect(wrong.heard).toContain('"code":"HOME_BAD_REQUEST"');
    expect(wrong.heard.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
});

describe('over HTTPS', () => {
  let ca: Buffer;
  const serve = async (options: Partial<HomeserverOptions> = {}) => {
    const { certificate, key } = alpha.certificates.homeserver;
    const { site } = alpha;
    const url = site.homeserver.client.url.replace('http:', 'https:');
    const client = { ...site.homeserver.client, url, tls: { certificate, key } };
    await alpha.stop();
    await alpha.start({ site: { ...site, homeserver: { ...site.homeserver, client } }, ...options });
  };
  beforeAll(async () => {
    ca = await readFile(alpha.certificates.authority);
    await serve();
  });

  const ask = (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
    new Promise<{ status: number; headers: IncomingHttpHeaders }>((resolve, reject) => {
      const port = alpha.homeserver.ports.client;
      const asking = httpsRequest(
        {
          ...{ host: '127.0.0.1', port, path, method, ca, agent: false },
          checkServerIdentity: () => undefined,
          headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
        },
        (response) => {
          response.resume();
          response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
        },
      );
      asking.on('error', reject);
      asking.end(body);
    });

  test('the refresh cookie is of this host alone, and goes over HTTPS alone', async () => {
    const { headers } = await ask('POST', `${API}/sessions`, signIn);
    const [cookie = ''] = headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      /^__Host-hawser_refresh=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    const renewed = await ask('POST', `${API}/sessions/refresh`, undefined, { cookie: cookie.split(';')[0] ?? '' });
    expect(renewed.status).toBe(200);
    // Whoever can set cookies for this host by a subdomain or over HTTP sets them without the prefix.
    const plain = (renewed.headers['set-cookie']?.[0]?.split(';')[0] ?? '').replace('__Host-', '');
    expect((await ask('POST', `${API}/sessions/refresh`, undefined, { cookie: plain })).status).toBe(401);
  });

  test('the administrator sees when the certificate ends that browsers see', async () => {
    const text = await (await fetch(`${alpha.admin}/metrics`)).text();
    const left = (of: string) => Number(new RegExp(`certificate_expiry_seconds{of="${of}"} (\\d+)`).exec(text)?.[1]);
    // Here both doors have the same one.
    expect(left('browsers')).toBeGreaterThan(0);
    expect(Math.abs(left('browsers') - left('servers'))).toBeLessThan(2);
  });

  test('browsers are told to come by HTTPS from now on', async () => {
    const { headers } = await ask('GET', '/');
    expect(headers['strict-transport-security']).toBe('max-age=63072000');
    expect(headers['content-security-policy']).toContain(`wss://127.0.0.1:${alpha.homeserver.ports.client}`);
  });

  test('whoever begins no handshake is not waited for', async () => {
    await serve({ clientSockets });
    await client().closed();
  });
});

describe('the page', () => {
  test('runs its own scripts alone, in no frame, and talks to its own servers alone', async () => {
    await alpha.stop();
    await alpha.start();
    const policy = (await get('/')).headers.get('content-security-policy') ?? '';
    const directives = new Map(policy.split('; ').map((each) => [each.split(' ')[0], each.split(' ').slice(1)]));
    expect(directives.get('default-src')).toEqual(["'none'"]);
    expect(directives.get('script-src')).toEqual(["'self'"]);
    expect(directives.get('style-src')).toEqual(["'self'"]);
    expect(directives.get('frame-ancestors')).toEqual(["'none'"]);
    expect(directives.get('base-uri')).toEqual(["'none'"]);
    expect(policy).not.toMatch(/unsafe|\*|https?:\/\//);
  });
});
