/** Real sockets against a real door: who is refused, whose connection ends, what is told to whom. */
import { readFile } from 'node:fs/promises';
import type { Server as HttpsServer } from 'node:https';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ErrorCode } from '#signalling/errors.ts';
import { SOON } from '#signalling/testing-until.ts';
import { Credentials } from './credentials.ts';
import { createPeerServer, type DoorOptions, peerOf } from './door.ts';
import { PeerList } from './peers.ts';
import type { Refusal } from './refusal.ts';
import { replaceFile } from './replace.ts';
import { makeTestDomain, type TestCertificate, type TestDomain, writeTestPeers } from './testing.ts';
import { temporaryFolder } from './testing-folder.ts';

const HOUR = 60 * 60 * 1000;

const folder = temporaryFolder();
let alpha: TestDomain;
let beta: TestDomain;
let gamma: TestDomain;
let stranger: TestDomain;

beforeAll(async () => {
  const names = ['alpha.example', 'beta.example', 'gamma.example', 'stranger.example'];
  const made = await Promise.all(names.map((name) => makeTestDomain(folder, name)));
  [alpha, beta, gamma, stranger] = made as [TestDomain, TestDomain, TestDomain, TestDomain];
});

describe.each([
  ['homeserver', { own: ['sft'], peers: ['homeserver'] }],
  ['sft', { own: [], peers: ['sft'] }],
] as const)('the door of the %s', (role, accepts) => {
  let list: string;
  let credentials: Credentials;
  let peers: PeerList;
  let server: HttpsServer;
  const refusals: Refusal[] = [];
  const requests: string[] = [];
  const clients: { destroy(): unknown }[] = [];

  beforeEach(async () => {
    list = `${folder}/peers-${role}-${Math.random().toString(36).slice(2)}.yaml`;
    await writeTestPeers(list, [{ of: beta }, { of: gamma }]);
    await listen();
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    peers.close();
    credentials.close();
    refusals.length = 0;
    requests.length = 0;
  });

  async function listen(more: Partial<DoorOptions> = {}): Promise<void> {
    credentials = await Credentials.open(alpha.files(role));
    peers = await PeerList.open(list);
    server = createPeerServer({
      credentials,
      peers,
      accepts,
      // Longer than a test may take: nothing ends because it took long.
      handshakeTimeoutMs: 60_000,
      onRefused: (refusal) => refusals.push(refusal),
      requestListener: (request, response) => {
        const { domain, role } = peerOf(request.socket);
        requests.push(`${role} of ${domain}`);
        response.end('welcome');
      },
      ...more,
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }

  const port = () => (server.address() as AddressInfo).port;

  /** Sends a request as soon as TLS lets it, and tells what came back until the connection ended. */
  async function knock(shown: TestCertificate | undefined, options: ConnectionOptions = {}): Promise<string> {
    const socket = await open(shown, options);
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    await new Promise((resolve) => socket.once('close', resolve));
    return answer;
  }

  async function open(shown: TestCertificate | undefined, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const pair = shown && { cert: await readFile(shown.certificate), key: await readFile(shown.key) };
    const socket = connect({ port: port(), host: '127.0.0.1', rejectUnauthorized: false, ...pair, ...options });
    clients.push(socket);
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nHost: alpha.example\r\nConnection: close\r\n\r\n');
    return socket;
  }

  async function expectRefusal(
    shown: TestCertificate | undefined,
    expected: { code: ErrorCode; domain?: string },
    options: ConnectionOptions = {},
  ): Promise<void> {
    expect(await knock(shown, options)).toBe('');
    await vi.waitFor(() => expect(refusals).toHaveLength(1), SOON);
    const refusal = { domain: undefined, address: '127.0.0.1', wasOpen: false, ...expected };
    expect(refusals).toEqual([refusal]);
    expect(requests).toEqual([]);
  }

  it('lets in an allowed domain and knows who it is', async () => {
    expect(await knock(beta[role])).toContain('welcome');
    expect(requests).toEqual([`${role} of beta.example`]);
    expect(refusals).toEqual([]);
  });

  it('refuses a domain that is not on the list', () =>
    expectRefusal(stranger[role], { code: 'TRUST_UNKNOWN_DOMAIN', domain: 'stranger.example' }));

  it('refuses a domain that is blocked', async () => {
    await writeTestPeers(list, [{ of: beta, state: 'blocked' }]);
    await vi.waitFor(() => expect(peers.current.size).toBe(1), SOON);
    await expectRefusal(beta[role], { code: 'TRUST_BLOCKED', domain: 'beta.example' });
  });

  it('refuses an allowed name under the authority of a stranger', async () => {
    const shown = await stranger.issue({ role, names: [nameOf('beta.example')] });
    await expectRefusal(shown, { code: 'TRUST_WRONG_AUTHORITY', domain: 'beta.example' });
  });

  it('refuses an allowed name under the authority of another allowed domain', async () => {
    const shown = await gamma.issue({ role, names: [nameOf('beta.example')] });
    await expectRefusal(shown, { code: 'TRUST_WRONG_AUTHORITY', domain: 'beta.example' });
  });

  it('refuses a stranger that an allowed authority has certified', async () => {
    const shown = await beta.issue({ role, names: [nameOf('stranger.example')] });
    await expectRefusal(shown, { code: 'TRUST_UNKNOWN_DOMAIN', domain: 'stranger.example' });
  });

  it('refuses the other server of an allowed domain', () => {
    const other = role === 'sft' ? 'homeserver' : 'sft';
    return expectRefusal(beta[other], { code: 'TRUST_WRONG_NAME', domain: 'beta.example' });
  });

  it('refuses a certificate with two names', async () => {
    const shown = await beta.issue({ role, names: [nameOf('beta.example'), nameOf('gamma.example')] });
    await expectRefusal(shown, { code: 'TRUST_WRONG_NAME' });
  });

  it('refuses an expired certificate', async () => {
    const past = { notBefore: new Date(Date.now() - 2 * HOUR), notAfter: new Date(Date.now() - HOUR) };
    const shown = await beta.issue({ role, ...past });
    await expectRefusal(shown, { code: 'TRUST_EXPIRED', domain: 'beta.example' });
  });

  it('refuses a certificate that is not valid yet', async () => {
    const shown = await beta.issue({ role, notBefore: new Date(Date.now() + HOUR) });
    await expectRefusal(shown, { code: 'TRUST_NOT_YET_VALID', domain: 'beta.example' });
  });

  it('refuses a revoked certificate', async () => {
    const shown = await beta.issue({ role });
    const change = changed(peers);
    await beta.revoke(shown);
    await change;
    await expectRefusal(shown, { code: 'TRUST_REVOKED', domain: 'beta.example' });
  });

  it('refuses a self-signed certificate', async () => {
    const shown = await beta.issue({ role, names: [nameOf('beta.example')], selfSigned: true });
    await expectRefusal(shown, { code: 'TRUST_SELF_SIGNED', domain: 'beta.example' });
  });

  it('refuses whoever shows no certificate', () => expectRefusal(undefined, { code: 'TRUST_NO_CERTIFICATE' }));

  it('refuses TLS 1.2', () => expectRefusal(beta[role], { code: 'TRUST_TLS' }, { maxVersion: 'TLSv1.2' }));

  it('refuses what is not TLS', async () => {
    const socket = connectTcp(port(), '127.0.0.1').on('error', () => undefined);
    clients.push(socket);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    await vi.waitFor(
      () => expect(refusals).toEqual([{ code: 'TRUST_TLS', domain: undefined, address: '127.0.0.1', wasOpen: false }]),
      SOON,
    );
  });

  it('resumes no session, which would show no certificate again', async () => {
    const first = await open(beta[role]);
    const session = new Promise<Buffer>((resolve) => first.once('session', resolve));
    first.resume();
    const again = await open(beta[role], { session: await session });
    await new Promise((resolve) => again.once('secureConnect', resolve));
    expect(again.isSessionReused()).toBe(false);
  });

  describe('an open connection', () => {
    let socket: TLSSocket;
    let shown: TestCertificate;
    let closed: Promise<unknown>;

    async function enter(certificate: TestCertificate): Promise<void> {
      shown = certificate;
      socket = await open(shown);
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      socket.resume();
      closed = new Promise((resolve) => socket.once('close', resolve));
    }

    async function expectEnd(code: ErrorCode): Promise<void> {
      await closed;
      expect(refusals).toMatchObject([{ code, domain: 'beta.example', wasOpen: true }]);
    }

    beforeEach(async () => {
      // An answer that does not end keeps the connection open, as a WebSocket does.
      server.removeAllListeners('request');
      server.on('request', (_request, response) => response.write('…'));
      await enter(await beta.issue({ role }));
    });

    it('ends when its domain is blocked', async () => {
      await writeTestPeers(list, [{ of: beta, state: 'blocked' }, { of: gamma }]);
      await expectEnd('TRUST_BLOCKED');
    });

    it('ends when its domain leaves the list', async () => {
      await writeTestPeers(list, [{ of: gamma }]);
      await expectEnd('TRUST_UNKNOWN_DOMAIN');
    });

    it('ends when its certificate is revoked', async () => {
      await beta.revoke(shown);
      await expectEnd('TRUST_REVOKED');
    });

    it('outlives an edit that cannot be used', async () => {
      const trouble = vi.fn();
      peers.close();
      peers = await PeerList.open(list, trouble);
      await replaceFile(list, '- domain: beta.example\n  stat: blocked\n', 0o644);
      await vi.waitFor(() => expect(trouble).toHaveBeenCalledOnce(), SOON);
      expect(trouble.mock.calls[0]?.[0]).toContain(`${list}:2:3: There is no option "stat"`);
      expect(socket.destroyed).toBe(false);
    });
  });

  it('ends an open connection within a second when its certificate expires', async () => {
    await new Promise((resolve) => server.close(resolve));
    // Certificates count in whole seconds.
    const notAfter = Math.floor(Date.now() / 1_000) * 1_000 + HOUR;
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
    try {
      await listen();
      server.removeAllListeners('request');
      server.on('request', (_request, response) => response.write('…'));
      const socket = await open(await beta.issue({ role, notAfter: new Date(notAfter) }));
      // Not before it was let in, which its own side does not see.
      await new Promise((resolve) => socket.once('data', resolve));
      const closed = new Promise((resolve) => socket.once('close', resolve));
      vi.setSystemTime(notAfter);
      vi.advanceTimersByTime(1_000);
      await closed;
    } finally {
      vi.useRealTimers();
    }
    expect(refusals).toMatchObject([{ code: 'TRUST_EXPIRED', wasOpen: true }]);
  });

  it('shows its new certificate without a restart', async () => {
    const first = await open(beta[role]);
    await new Promise((resolve) => first.once('secureConnect', resolve));
    const fresh = await alpha.issue({ role });
    const change = changed(credentials);
    await replaceFile(alpha[role].certificate, await readFile(fresh.certificate, 'utf8'), 0o644);
    await replaceFile(alpha[role].key, await readFile(fresh.key, 'utf8'), 0o600);
    await change;
    const second = await open(beta[role]);
    await new Promise((resolve) => second.once('secureConnect', resolve));
    expect(second.getPeerCertificate().fingerprint256).not.toBe(first.getPeerCertificate().fingerprint256);
    expect(await knock(undefined)).toBe('');
    expect(await knock(beta[role], { maxVersion: 'TLSv1.2' })).toBe('');
    await vi.waitFor(
      () => expect(refusals).toMatchObject([{ code: 'TRUST_NO_CERTIFICATE' }, { code: 'TRUST_TLS' }]),
      SOON,
    );
  });

  it('cuts a client that says nothing', async () => {
    await new Promise((resolve) => server.close(resolve));
    await listen({ handshakeTimeoutMs: 200 });
    const socket = connectTcp(port(), '127.0.0.1').on('error', () => undefined);
    clients.push(socket);
    await new Promise((resolve) => socket.once('close', resolve));
    await vi.waitFor(() => expect(refusals).toMatchObject([{ code: 'TRUST_TLS' }]), SOON);
  });

  it('lets somebody honest in past a crowd that holds handshakes', async () => {
    await new Promise((resolve) => server.close(resolve));
    await listen({ maxHandshakes: 4 });
    const crowd = Array.from({ length: 12 }, () => connectTcp(port(), '127.0.0.1').on('error', () => undefined));
    clients.push(...crowd);
    await vi.waitFor(() => expect(refusals.length).toBe(8), SOON);
    expect(await knock(beta[role])).toContain('welcome');
  });

  it('bounds the open connections of one server, and of nobody else', async () => {
    await new Promise((resolve) => server.close(resolve));
    await listen({ maxConnections: 2 });
    const [cert, key] = [await readFile(beta[role].certificate), await readFile(beta[role].key)];
    const held = [1, 2].map(() => connect({ port: port(), host: '127.0.0.1', rejectUnauthorized: false, cert, key }));
    clients.push(...held);
    await vi.waitFor(async () => expect(await knock(beta[role])).not.toContain('welcome'), SOON);
    expect(refusals).toMatchObject([{ code: 'SIG_FLOOD', domain: 'beta.example' }]);
    expect(await knock(gamma[role])).toContain('welcome');
    held[0]?.destroy();
    await vi.waitFor(async () => expect(await knock(beta[role])).toContain('welcome'), SOON);
  });

  function nameOf(domain: string): string {
    return role === 'sft' ? `sft.${domain}` : domain;
  }
});

function changed(followed: { onChange(listener: () => void): () => void }): Promise<void> {
  return new Promise((resolve) => {
    const stop = followed.onChange(() => {
      stop();
      resolve();
    });
  });
}
