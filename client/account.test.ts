import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Conversations } from '#signalling/client-home.ts';
import { Account } from './account.ts';

const user = { user: 'mimi://alpha.example/u/alice', domain: 'alpha.example', handle: 'alice', name: 'Alice' };
const token = (number: number) => `access-token-of-the-test-${number}`;

/** A homeserver whose newest token alone is good. */
let server: Server;
let issued: number;
let refreshes: number;
let isSignedIn: boolean;
let cookies: string[];
let account: Account;

beforeEach(async () => {
  issued = 0;
  refreshes = 0;
  isSignedIn = true;
  cookies = [];
  server = createServer((request, response) => {
    const answer = (status: number, body?: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body));
    const refuse = (code: string) => answer(401, { code, message: code, retry: false });
    const session = () => {
      response.setHeader('set-cookie', `refresh=number-${refreshes}; Path=/; HttpOnly; SameSite=Strict`);
      return answer(200, { accessToken: token(++issued), expiresInSeconds: 600, user });
    };
    cookies.push(request.headers.cookie ?? '');
    if (request.url === '/api/v1/sessions/refresh') {
      refreshes += 1;
      return isSignedIn ? session() : refuse('HOME_UNAUTHENTICATED');
    }
    if (request.url === '/api/v1/sessions') return session();
    if (request.headers.authorization !== `Bearer ${token(issued)}`) return refuse('HOME_UNAUTHENTICATED');
    return request.method === 'DELETE' ? answer(204) : answer(200, { conversations: [] });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  account = new Account(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterEach(() => {
  account[Symbol.dispose]();
  server.close();
  server.closeAllConnections();
});

const list = () => account.call({ method: 'GET', path: 'conversations', answer: Conversations });

describe('an account', () => {
  it('signs in, calls, and signs out', async () => {
    await account.signIn('alice', 'secret');
    expect(account.store.state).toEqual({ phase: 'signedIn', user });
    await expect(list()).resolves.toEqual({ conversations: [] });
    await account.signOut();
    expect(account.store.state).toEqual({ phase: 'signedOut' });
    await expect(list()).rejects.toMatchObject({ code: 'HOME_UNAUTHENTICATED' });
  });

  it('renews a token that ended, once for several calls', async () => {
    await account.signIn('alice', 'secret');
    issued += 1; // the server has forgotten the token
    await Promise.all([list(), list(), list()]);
    expect(refreshes).toBe(1);
  });

  it('keeps the refresh cookie where no browser does, and sends it with nothing else', async () => {
    await account.signIn('alice', 'secret');
    await account.resume();
    await account.resume();
    await list();
    expect(cookies).toEqual(['', 'refresh=number-0', 'refresh=number-1', '']);
  });

  it('is signed out where the refresh is refused', async () => {
    isSignedIn = false;
    await expect(account.resume()).resolves.toEqual({ phase: 'signedOut' });
  });

  it('says that the server cannot be reached, which is no refusal', async () => {
    server.close();
    server.closeAllConnections();
    await expect(account.resume()).rejects.toMatchObject({ code: 'SIG_UNREACHABLE', retry: true });
  });
});
