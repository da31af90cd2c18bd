/** The client's door with real sockets: sessions, headers, and everything that is wrong with a request. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { API, CLIENT_HOME, EVENTS_PATH } from '#signalling/client-home.ts';
import { type Organisation, organise, PASSWORD, type World } from '../../testing/organisation.ts';
import { Person } from '../../testing/person.ts';
import { until } from '../../testing/world.ts';

let world: World;
let alpha: Organisation;
let alice: Person;

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  alice = await alpha.person('alice', 'Alice');
});
afterAll(() => world[Symbol.asyncDispose]());

const request = (method: string, path: string, init: RequestInit = {}) =>
  fetch(`${alpha.url}${path}`, { method, ...init, headers: { ...init.headers } });
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  request('POST', `${API}/${path}`, { body, headers: { 'content-type': 'application/json', ...headers } });
const bearer = () => ({ authorization: `Bearer ${alice.session.accessToken}` });
const code = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code];

describe('sessions', () => {
  test('the refresh cookie is for this server’s session routes alone and out of reach of scripts', async () => {
    const response = await post('sessions', JSON.stringify({ handle: 'alice', password: PASSWORD }));
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(
      /^hawser_refresh=[\w-]{43}; Max-Age=2592000; Path=\/api\/v1\/sessions; HttpOnly; SameSite=Strict$/,
    );
    const refreshed = await request('POST', `${API}/sessions/refresh`, {
      headers: { cookie: cookie.split(';')[0] ?? '' },
    });
    expect(refreshed.status).toBe(200);
    expect(refreshed.headers.get('set-cookie')).not.toBe(cookie);
  });

  test('signing out ends the token and the events of that session', async () => {
    const person = await Person.signIn(alpha.url, 'alice', PASSWORD);
    const headers = { authorization: `Bearer ${person.session.accessToken}` };
    expect((await request('GET', `${API}/me`, { headers })).status).toBe(200);
    expect((await request('DELETE', `${API}/sessions/current`, { headers })).status).toBe(204);
    expect(await code(await request('GET', `${API}/me`, { headers }))).toEqual([401, 'HOME_UNAUTHENTICATED']);
    await until(() => !person.isListening, 'events end');
    expect(alice.isListening).toBe(true);
  });

  test('nobody looks people up faster than a person can ask', async () => {
    const ask = () => request('GET', `${API}/users?address=@alice@alpha.example`, { headers: bearer() });
    const statuses = new Set<number>();
    // What is served anew in a second is soon more than a slow machine asks in it.
    for (let round = 0; round < 10 && !statuses.has(429); round++) {
      for (const { status } of await Promise.all(Array.from({ length: 40 }, ask))) statuses.add(status);
    }
    expect(statuses).toEqual(new Set([200, 429]));
  });

  test('without a token nothing is told', async () => {
    const paths = [
      'me',
      'users?address=@alice@alpha.example',
      'conversations',
      'conversations/mimi%3A%2F%2Falpha.example%2Fr%2FAAAAAAAAAAAAAAAAAAAAAA',
    ];
    for (const path of paths) {
      expect(await code(await request('GET', `${API}/${path}`))).toEqual([401, 'HOME_UNAUTHENTICATED']);
    }
  });

  test('no other page’s request is served, even with the cookie', async () => {
    const response = await request('POST', `${API}/sessions/refresh`, { headers: { origin: 'http://evil.example' } });
    expect(await code(response)).toEqual([403, 'HOME_FORBIDDEN']);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });
});

test('every answer carries the headers that keep a page safe', async () => {
  for (const path of ['/', `${API}/me`, '/nothing']) {
    const { headers } = await request('GET', path);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(
      `connect-src 'self' ${alpha.url.replace('http', 'ws')} ${new URL(alpha.site.sft.client.url).origin.replace('http', 'ws')}`,
    );
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('permissions-policy')).toContain('camera=(self)');
  }
});

test('where the web application is missing, a sentence says what to do', async () => {
  const response = await request('GET', '/');
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('Build it');
});

describe('bad requests', () => {
  beforeEach(() => {
    alpha.logged.length = 0;
  });

  test.each<[string, string, string, number, string]>([
    ['no JSON', 'sessions', '{', 400, 'SIG_MALFORMED'],
    ['nothing', 'sessions', '', 400, 'SIG_MALFORMED'],
    ['a wrong type', 'sessions', '{"handle":1,"password":"x"}', 400, 'HOME_BAD_REQUEST'],
    ['a number as text is not converted', 'conversations', '{"title":7,"members":[]}', 400, 'HOME_BAD_REQUEST'],
    ['an unknown member', 'sessions', '{"handle":"alice","password":"x","admin":true}', 400, 'HOME_BAD_REQUEST'],
    ['a prototype', 'sessions', '{"__proto__":{"handle":"alice"},"password":"x"}', 400, 'HOME_BAD_REQUEST'],
    ['a title that no line can show', 'conversations', '{"title":"a\\u0000b","members":[]}', 400, 'HOME_BAD_REQUEST'],
    ['an unqualified id', 'conversations', '{"title":"x","members":["alice"]}', 400, 'HOME_BAD_REQUEST'],
    [
      'an id twice',
      'conversations',
      `{"title":"x","members":["mimi://a.b/u/c","mimi://a.b/u/c"]}`,
      400,
      'HOME_BAD_REQUEST',
    ],
    [
      'an address as domain',
      'conversations',
      `{"title":"x","members":["mimi://127.0.0.1/u/c"]}`,
      400,
      'HOME_BAD_REQUEST',
    ],
    ['deep nesting', 'sessions', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 400, 'SIG_TOO_DEEP'],
    ['an unknown route', 'nowhere', '{}', 404, 'HOME_NOT_FOUND'],
    ['a wrong id in the path', 'conversations/alice/call', '{}', 400, 'HOME_BAD_REQUEST'],
  ])('%s', async (_what, path, body, status, expected) => {
    expect(await code(await post(path, body, bearer()))).toEqual([status, expected]);
    expect(alpha.logged.join('')).not.toContain('"msg":"fault"');
  });

  /** Sends a request piece by piece and reads the answer; resolves with its status line and how many bytes were taken. */
  const trickle = (head: string, body: Iterable<string>) =>
    new Promise<{ status: string; sent: number }>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: alpha.homeserver.ports.client });
      socket.on('error', () => undefined);
      socket.once('data', (data) => {
        resolve({ status: String(data).split('\r\n')[0] ?? '', sent: socket.bytesWritten });
        socket.destroy();
      });
      socket.once('close', () => reject(new Error('closed without an answer')));
      socket.write(`POST ${API}/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${head}\r\n\r\n`);
      const pieces = body[Symbol.iterator]();
      const next = () => {
        const { value, done } = pieces.next();
        if (!done && !socket.destroyed) socket.write(value, next);
      };
      next();
    });

  test('10 MB that are announced are refused before any of them is sent', async () => {
    const { status, sent } = await trickle('Content-Length: 10000000', []);
    expect(status).toBe('HTTP/1.1 413 Payload Too Large');
    expect(sent).toBeLessThan(1_000);
  });

  test('10 MB that are not announced are refused at the limit', async () => {
    const piece = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const pieces = (function* () {
      for (let i = 0; i < 640; i++) yield piece;
    })();
    const { status, sent } = await trickle('Transfer-Encoding: chunked', pieces);
    expect(status).toBe('HTTP/1.1 413 Payload Too Large');
    // What fills the kernel's buffers is on top of the limit.
    expect(sent).toBeLessThan(8_000_000);
  });

  test.each([
    ['no HTTP', 'Ahoy\r\n\r\n', 'HTTP/1.1 400 Bad Request', 'HOME_BAD_REQUEST'],
    ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', '400', 'HOME_BAD_REQUEST'],
    ['a head of 20 kB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431', 'SIG_TOO_LARGE'],
    ['an unknown Expect', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\n\r\n', '400', 'HOME_BAD_REQUEST'],
  ])('%s is refused with a code', async (_what, bytes, status, expected) => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: alpha.homeserver.ports.client });
      let heard = '';
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        heard += data;
      });
      socket.once('close', () => resolve(heard));
      socket.write(bytes);
    });
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toContain(status);
    expect(JSON.parse(body)).toMatchObject({ code: expected, message: expect.any(String), retry: false });
  });

  test('another content type is refused', async () => {
    const response = await post('sessions', 'handle=alice', { 'content-type': 'application/x-www-form-urlencoded' });
    expect((await code(response))[1]).toBe('HOME_BAD_REQUEST');
  });

  test('whatever JSON is sent to whatever route: a coded refusal, never a fault', async () => {
    const routes = [
      'sessions',
      'sessions/refresh',
      'conversations',
      `conversations/${encodeURIComponent('mimi://alpha.example/r/AAAAAAAAAAAAAAAAAAAAAA')}/members`,
      `conversations/${encodeURIComponent('mimi://alpha.example/r/AAAAAAAAAAAAAAAAAAAAAA')}/call`,
      `conversations/${encodeURIComponent('mimi://alpha.example/r/AAAAAAAAAAAAAAAAAAAAAA')}/call/tickets`,
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), fc.jsonValue({ maxDepth: 4 }), async (route, value) => {
        const response = await post(route, JSON.stringify(value), bearer());
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.status).toBeLessThan(500);
        expect((await response.json()) as object).toMatchObject({ code: expect.stringMatching(/^(HOME|SIG|FED)_/) });
      }),
      { numRuns: 150 },
    );
    expect(alpha.logged.join('')).not.toContain('"msg":"fault"');
  });

  test('whatever path is asked for: a coded refusal, and no file of the machine', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 60 }), async (path) => {
        const response = await request('GET', `${API}/${encodeURIComponent(path)}x`);
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.status).toBeLessThan(500);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the events’ socket', () => {
  const open = (headers: Record<string, string> = {}) =>
    new WebSocket(`${alpha.url.replace('http', 'ws')}${EVENTS_PATH}`, [CLIENT_HOME.protocol], { headers });
  const closed = (socket: WebSocket) =>
    new Promise<string>((resolve) => {
      socket.on('close', (_code, reason) => resolve(reason.toString().split(' ')[0] ?? ''));
      socket.on('error', () => undefined);
    });
  const opened = (socket: WebSocket) => new Promise((resolve) => socket.once('open', resolve));

  test('a page of another origin is not let in', async () => {
    const socket = open({ origin: 'http://evil.example' });
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(error.message).toContain('403');
  });

  test.each([
    ['no JSON', 'hello', 'SIG_MALFORMED'],
    ['an array', '[]', 'SIG_MALFORMED'],
    ['an unknown call', '{"id":1,"method":"drop","params":{}}', 'SIG_UNKNOWN_METHOD'],
    ['a call of the other direction', '{"method":"event","params":{}}', 'SIG_UNKNOWN_METHOD'],
    [
      'an unknown member',
      '{"id":1,"method":"hello","params":{"accessToken":"aaaaaaaaaaaaaaaaaaaaaaaa","x":1}}',
      'SIG_SCHEMA',
    ],
    [
      'a token that is none',
      '{"id":1,"method":"hello","params":{"accessToken":"aaaaaaaaaaaaaaaaaaaaaaaa"}}',
      'HOME_UNAUTHENTICATED',
    ],
    ['deep nesting', `${'['.repeat(3_000)}${']'.repeat(3_000)}`, 'SIG_TOO_DEEP'],
    ['10 MB', 'x'.repeat(10_000_000), ''],
  ])('%s closes it with a code', async (_what, message, expected) => {
    const socket = open();
    await opened(socket);
    socket.send(message);
    expect(await closed(socket)).toBe(expected);
  });

  test('hello comes once', async () => {
    const socket = open();
    await opened(socket);
    const answers: string[] = [];
    socket.on('message', (data) => answers.push(String(data)));
    for (const id of [1, 2]) {
      socket.send(JSON.stringify({ id, method: 'hello', params: { accessToken: alice.session.accessToken } }));
    }
    await until(() => answers.some((answer) => answer.includes('SIG_ORDER')), 'refusal');
    socket.terminate();
  });

  test('whatever is sent, the server goes on and holds nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.string(), fc.json({ maxDepth: 3 })), { maxLength: 5 }),
        async (messages) => {
          const socket = open();
          await opened(socket);
          for (const message of messages) socket.send(message);
          socket.close();
          await closed(socket);
        },
      ),
      { numRuns: 60 },
    );
    expect(await alice.conversations()).toEqual([]);
    const metrics = async () => (await fetch(`${alpha.admin}/metrics`)).text();
    await until(async () => /event_connections 1\n/.test(await metrics()), 'only alice is connected');
  });
});

describe('the administrator’s port', () => {
  test('health, metrics and accounts', async () => {
    expect(await (await fetch(`${alpha.admin}/health`)).json()).toEqual({
      ok: true,
      domain: 'alpha.example',
      sft: true,
    });
    const text = await (await fetch(`${alpha.admin}/metrics`)).text();
    for (const name of [
      'accounts 1',
      'sft_connected 1',
      'event_loop_lag_p50_seconds',
      'certificate_expiry_seconds{of="servers"}',
      'certificate_expiry_seconds{of="devices"}',
      'certificate_expiry_seconds{of="devices-root"}',
      'certificate_expiry_seconds{of="devices-revocation-list"}',
      'certificate_expiry_seconds{of="authority"}',
      'certificate_expiry_seconds{of="revocation-list"}',
      'disk_free_bytes',
      'mail_waiting_oldest_seconds 0',
      'messages_accepted_total{hub="own"} 0',
      'tickets_issued_total',
      'outbox_depth',
      'federation_requests_total',
    ]) {
      expect(text).toContain(`hawser_homeserver_${name}`);
    }
    const create = (body: object, headers = {}) =>
      fetch(`${alpha.admin}/admin/v1/accounts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
    const carl = { handle: 'carl', name: 'Carl', password: PASSWORD };
    expect((await create(carl)).status).toBe(201);
    expect(await code(await create(carl))).toEqual([409, 'HOME_HANDLE_TAKEN']);
    expect(await code(await create({ ...carl, handle: 'Carl!' }))).toEqual([400, 'HOME_BAD_REQUEST']);
    expect(await code(await create({ ...carl, password: 'short' }))).toEqual([400, 'HOME_BAD_REQUEST']);
    expect(await code(await create(carl, { origin: 'http://evil.example' }))).toEqual([403, 'HOME_FORBIDDEN']);
  });
});
