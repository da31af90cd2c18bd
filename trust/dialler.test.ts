/** Real sockets from a dialler to servers that are who they should be, and to others. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ErrorCode } from '#signalling/errors.ts';
import { SFT_HOME, SFT_HOME_PATH } from '#signalling/sft-home.ts';
import { SOON } from '#signalling/testing-until.ts';
import { acceptSockets, dialSocket } from '#signalling/websocket.ts';
import { validTo } from './certificate.ts';
import { Credentials } from './credentials.ts';
import { PeerDialler } from './dialler.ts';
import { createPeerServer, peerOf } from './door.ts';
import { PeerList } from './peers.ts';
import type { Refusal } from './refusal.ts';
import { makeTestDomain, type TestCertificate, type TestDomain, type TestPeer, writeTestPeers } from './testing.ts';
import { temporaryFolder } from './testing-folder.ts';

const HOUR = 60 * 60 * 1000;

const folder = temporaryFolder();
let alpha: TestDomain;
let beta: TestDomain;
let gamma: TestDomain;

beforeAll(async () => {
  const names = ['alpha.example', 'beta.example', 'gamma.example'];
  const made = await Promise.all(names.map((name) => makeTestDomain(folder, name)));
  [alpha, beta, gamma] = made as [TestDomain, TestDomain, TestDomain];
});

describe('a dialler', () => {
  let list: string;
  let credentials: Credentials;
  let peers: PeerList;
  let dialler: PeerDialler;
  const refusals: Refusal[] = [];
  const onReached = vi.fn();
  const servers: { close(): unknown; closeAllConnections?(): void }[] = [];

  beforeEach(async () => {
    list = `${folder}/peers-${Math.random().toString(36).slice(2)}.yaml`;
    await writeTestPeers(list, [{ of: beta }, { of: gamma }]);
    credentials = await Credentials.open(alpha.files('homeserver'));
    peers = await PeerList.open(list);
    dialler = new PeerDialler({ credentials, peers, onRefused: (refusal) => refusals.push(refusal), onReached });
  });

  afterEach(() => {
    dialler.close();
    peers.close();
    credentials.close();
    refusals.length = 0;
    onReached.mockClear();
    for (const server of servers.splice(0)) {
      server.closeAllConnections?.();
      server.close();
    }
  });

  /** A server that shows a certificate and counts what it is sent once TLS is up. */
  async function serve(shown: TestCertificate): Promise<{ port: number; received: () => number; server: Server }> {
    let bytes = 0;
    const pair = { cert: await readFile(shown.certificate), key: await readFile(shown.key) };
    const server = createServer({ ...pair, minVersion: 'TLSv1.3' }, (_request, response) => response.end('hello'));
    server.prependListener('secureConnection', (socket: TLSSocket) => {
      socket
        .on('error', () => undefined)
        .prependListener('data', (data) => {
          bytes += data.length;
        });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { port: (server.address() as AddressInfo).port, received: () => bytes, server };
  }

  function ask(port: number, domain = beta): Promise<string> {
    return new Promise((resolve, reject) => {
      const agent = dialler.agent(domain.domain, 'homeserver');
      const asked = request({ agent, host: '127.0.0.1', port, path: '/' }, (response) => {
        let text = '';
        response.on('data', (data) => {
          text += data;
        });
        response.on('end', () => resolve(text));
      });
      asked.on('error', reject).end();
    });
  }

  async function expectRefusal(shown: TestCertificate, code: ErrorCode): Promise<void> {
    const { port, received } = await serve(shown);
    await expect(ask(port)).rejects.toMatchObject({ name: 'HawserError', code });
    expect(received()).toBe(0);
    expect(refusals).toMatchObject([{ code, wasOpen: false }]);
    expect(onReached).not.toHaveBeenCalled();
  }

  it('reaches the server of the domain that is meant, and knows it', async () => {
    const { port } = await serve(beta.homeserver);
    expect(await ask(port)).toBe('hello');
    expect(refusals).toEqual([]);
    // The first of its chain to end: an authority that was made a moment before.
    const chain = await Promise.all([beta.homeserver.certificate, beta.authority].map((file) => readFile(file)));
    const ends = Math.min(...chain.map((each) => validTo(new X509Certificate(each))));
    expect(onReached).toHaveBeenCalledExactlyOnceWith({ domain: beta.domain, role: 'homeserver' }, ends);
  });

  it('uses a connection again', async () => {
    const { port, server } = await serve(beta.homeserver);
    const connections = vi.fn();
    server.on('secureConnection', connections);
    await ask(port);
    await ask(port);
    expect(connections).toHaveBeenCalledOnce();
  });

  describe('whom a homeserver has told where its SFT is', () => {
    const link = async (host: string, entry: Partial<TestPeer>) => {
      await writeTestPeers(list, [{ of: beta, ...entry }]);
      await vi.waitFor(() => {
        const { addresses, mediaPrefixes } = peers.allowed(beta.domain) ?? {};
        expect({ addresses, mediaPrefixes }).toMatchObject({ addresses: 'public', ...entry });
      }, SOON);
      const { port, server } = await serve(beta.sft);
      const connections = vi.fn();
      server.on('connection', connections);
      const answer = await new Promise<string>((resolve) => {
        const asked = request({ agent: dialler.agent(beta.domain, 'sft'), host, port, path: '/' }, () => resolve('ok'));
        asked.on('error', (error: Error & { code?: string }) => resolve(error.code ?? '')).end();
      });
      return [answer, connections.mock.calls.length > 0];
    };

    it.each(['127.0.0.1', 'localhost'])('does not look into its own house: %s', async (host) => {
      expect(await link(host, { mediaPrefixes: ['203.0.113.0/24'] })).toEqual(['FED_ADDRESS', false]);
      expect(refusals).toMatchObject([{ code: 'FED_ADDRESS', domain: beta.domain, wasOpen: false }]);
    });

    it.each<[string, Partial<TestPeer>]>([
      ['127.0.0.1', { mediaPrefixes: ['127.0.0.0/8'] }],
      ['127.0.0.1', { mediaPrefixes: ['203.0.113.0/24'], addresses: 'any' }],
      ['localhost', { mediaPrefixes: ['127.0.0.0/8', '::1/128'] }],
    ])('but where the administrator has said so: %s, %o', async (host, entry) => {
      expect(await link(host, entry)).toEqual(['ok', true]);
    });
  });

  it('refuses a server under the authority of another allowed domain', async () =>
    expectRefusal(await gamma.issue({ names: ['beta.example'] }), 'TRUST_WRONG_AUTHORITY'));

  it('refuses the server of another allowed domain', () => expectRefusal(gamma.homeserver, 'TRUST_WRONG_NAME'));

  it('refuses the other server of the same domain', () => expectRefusal(beta.sft, 'TRUST_WRONG_NAME'));

  it('refuses a self-signed server', async () =>
    expectRefusal(await beta.issue({ selfSigned: true }), 'TRUST_SELF_SIGNED'));

  it('refuses an expired server', async () => {
    const past = { notBefore: new Date(Date.now() - 2 * HOUR), notAfter: new Date(Date.now() - HOUR) };
    await expectRefusal(await beta.issue(past), 'TRUST_EXPIRED');
  });

  it('refuses a server that is not valid yet', async () =>
    expectRefusal(await beta.issue({ notBefore: new Date(Date.now() + HOUR) }), 'TRUST_NOT_YET_VALID'));

  it('refuses a revoked server', async () => {
    const shown = await beta.issue();
    const changed = new Promise<void>((resolve) => void peers.onChange(resolve));
    await beta.revoke(shown);
    await changed;
    await expectRefusal(shown, 'TRUST_REVOKED');
  });

  it('does not dial a domain that is not on the list', async () => {
    const stranger = await makeTestDomain(folder, 'stranger.example');
    const { port, server } = await serve(stranger.homeserver);
    const connections = vi.fn();
    server.on('connection', connections);
    await expect(ask(port, stranger)).rejects.toMatchObject({ code: 'TRUST_UNKNOWN_DOMAIN' });
    expect(connections).not.toHaveBeenCalled();
  });

  it('does not dial a domain that is blocked', async () => {
    const changed = new Promise<void>((resolve) => void peers.onChange(resolve));
    await writeTestPeers(list, [{ of: beta, state: 'blocked' }]);
    await changed;
    await expect(ask(1)).rejects.toMatchObject({ code: 'TRUST_BLOCKED' });
  });

  it('refuses TLS 1.2', async () => {
    const pair = { cert: await readFile(beta.homeserver.certificate), key: await readFile(beta.homeserver.key) };
    const server = createServer({ ...pair, maxVersion: 'TLSv1.2' });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await expect(ask((server.address() as AddressInfo).port)).rejects.toMatchObject({ code: 'TRUST_TLS' });
  });

  it('gives up on a server that says nothing', async () => {
    dialler = new PeerDialler({ credentials, peers, timeoutMs: 500 });
    const server = createTcpServer((socket) => void servers.push({ close: () => socket.destroy() }));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await expect(ask((server.address() as AddressInfo).port)).rejects.toMatchObject({ code: 'SIG_TIMEOUT' });
  });

  it('says so when nobody is there', async () => {
    await expect(ask(1)).rejects.toMatchObject({ code: 'SIG_UNREACHABLE', detail: 'ECONNREFUSED' });
  });

  it.each([
    [
      'the domain is blocked',
      'TRUST_BLOCKED',
      () => writeTestPeers(list, [{ of: gamma }, { of: beta, state: 'blocked' }]),
    ],
    ['the domain leaves the list', 'TRUST_UNKNOWN_DOMAIN', () => writeTestPeers(list, [{ of: gamma }])],
    ['the certificate is revoked', 'TRUST_REVOKED', (shown) => beta.revoke(shown)],
  ] satisfies [string, string, (shown: TestCertificate) => Promise<unknown>][])(
    'ends an open connection when %s',
    async (_, code, change) => {
      const shown = await beta.issue();
      const { port, server } = await serve(shown);
      const socket = new Promise<TLSSocket>((resolve) => server.once('secureConnection', resolve));
      await ask(port);
      const closed = socket.then((open) => new Promise((resolve) => open.once('close', resolve)));
      await change(shown);
      await closed;
      expect(refusals).toMatchObject([{ code, domain: 'beta.example', wasOpen: true }]);
    },
  );

  describe('with the door of its own homeserver', () => {
    let url: string;
    let sft: { credentials: Credentials; dialler: PeerDialler };
    let seen: string[];

    beforeEach(async () => {
      seen = [];
      const server = createPeerServer({
        ...{ credentials, peers, accepts: { own: ['sft'], peers: ['homeserver'] } },
        onRefused: (refusal) => refusals.push(refusal),
      });
      const acceptor = acceptSockets({
        server,
        path: SFT_HOME_PATH,
        contract: SFT_HOME,
        maxConnections: 10,
        onSocket: (_socket, { socket }) => seen.push(`${peerOf(socket).role} of ${peerOf(socket).domain}`),
      });
      servers.push(server, acceptor);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `wss://127.0.0.1:${(server.address() as AddressInfo).port}${SFT_HOME_PATH}`;
      const own = await Credentials.open(alpha.files('sft'));
      sft = { credentials: own, dialler: new PeerDialler({ credentials: own, peers }) };
    });

    afterEach(() => {
      sft.dialler.close();
      sft.credentials.close();
    });

    it('opens a WebSocket, each side knowing the other', async () => {
      const agent = sft.dialler.agent(alpha.domain, 'homeserver');
      const socket = await dialSocket({ url, contract: SFT_HOME, agent });
      expect(socket.readyState).toBe(1);
      await vi.waitFor(() => expect(seen).toEqual(['sft of alpha.example']), SOON);
    });

    it('says that it was refused where the server does not accept it', async () => {
      const agent = dialler.agent(alpha.domain, 'homeserver');
      await expect(dialSocket({ url, contract: SFT_HOME, agent })).rejects.toMatchObject({ code: 'FED_REFUSED' });
      expect(seen).toEqual([]);
    });

    it('says why it does not trust the server', async () => {
      const agent = sft.dialler.agent(alpha.domain, 'sft');
      await expect(dialSocket({ url, contract: SFT_HOME, agent })).rejects.toMatchObject({ code: 'TRUST_WRONG_NAME' });
    });

    it('ends an open WebSocket when the certificate of the other side is revoked', async () => {
      const shown = await alpha.issue({ role: 'sft' });
      sft.credentials.close();
      sft.credentials = await Credentials.open(alpha.files(shown));
      sft.dialler = new PeerDialler({ credentials: sft.credentials, peers });
      const agent = sft.dialler.agent(alpha.domain, 'homeserver');
      const socket = await dialSocket({ url, contract: SFT_HOME, agent });
      const closed = new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
      await alpha.revoke(shown);
      await closed;
      expect(refusals).toMatchObject([{ code: 'TRUST_REVOKED', domain: 'alpha.example', wasOpen: true }]);
    });

    it('closes its WebSockets with itself', async () => {
      const agent = sft.dialler.agent(alpha.domain, 'homeserver');
      const socket = await dialSocket({ url, contract: SFT_HOME, agent });
      const closed = new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
      sft.dialler.close();
      await closed;
    });
  });
});
