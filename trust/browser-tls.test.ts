import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, rename, symlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '#signalling/testing-until.ts';
import { BrowserTls, type BrowserTlsFiles } from './browser-tls.ts';
import { replaceFile } from './replace.ts';
import { makeTestDomain, type TestCertificate, type TestDomain } from './testing.ts';
import { temporaryFolder } from './testing-folder.ts';
import { shownAt } from './testing-tls.ts';

const folder = temporaryFolder();
let alpha: TestDomain;
let before: TestCertificate;
let after: TestCertificate;
let files: BrowserTlsFiles;
let tls: BrowserTls;
let server: Server;
let call: WebSocket;
let troubles: string[];
let renewals: number[];
let count = 0;

beforeAll(async () => {
  alpha = await makeTestDomain(folder, 'alpha.example');
  [before, after] = [await alpha.issue({ names: ['127.0.0.1'] }), await alpha.issue({ names: ['127.0.0.1'] })];
});

beforeEach(async () => {
  count += 1;
  const own = join(folder, `live-${count}`);
  await mkdir(own);
  await serve({ certificate: join(own, 'fullchain.pem'), key: join(own, 'privkey.pem') });
});

afterEach(async () => {
  call.terminate();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  tls.close();
});

/** A server whose files hold the first certificate, with a connection that stays open. */
async function serve(at: BrowserTlsFiles): Promise<void> {
  files = at;
  await put(before, 'certificate');
  await put(before, 'key');
  await listen();
}

async function listen(): Promise<void> {
  [troubles, renewals] = [[], []];
  tls = await BrowserTls.open(files, {
    onTrouble: (sentence) => troubles.push(sentence),
    onRenewed: (ends) => renewals.push(ends),
  });
  server = createServer(tls.pair);
  tls.follow(server);
  new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  call = new WebSocket(`wss://127.0.0.1:${port()}`, { ca: await readFile(alpha.authority) });
  await once(call, 'open');
}

const port = () => (server.address() as AddressInfo).port;

async function put(pair: TestCertificate, which: 'certificate' | 'key'): Promise<void> {
  await replaceFile(files[which], await readFile(pair[which], 'utf8'), 0o600);
}

const print = async ({ certificate }: TestCertificate) =>
  new X509Certificate(await readFile(certificate)).fingerprint256;

async function expectShown(pair: TestCertificate): Promise<void> {
  const wanted = await print(pair);
  await until(async () => (await shownAt(port())) === wanted, 'the certificate');
  call.send('still there?');
  const [answer] = await once(call, 'message');
  expect(String(answer)).toBe('still there?');
}

it.each([
  ['the certificate first', ['certificate', 'key']],
  ['the key first', ['key', 'certificate']],
] as const)('shows a new pair without a dropped connection, written with %s', async (_what, order) => {
  const [first, second] = order;
  await put(after, first);
  await until(() => troubles.length > 0, 'a word that they do not fit');
  await expectShown(before);
  await put(after, second);
  await expectShown(after);
  expect(renewals).toEqual([new X509Certificate(await readFile(after.certificate)).validToDate.getTime()]);
});

it('follows a link to a folder, as those are that ACME clients swap', async () => {
  const live = join(folder, 'live');
  for (const [name, pair] of Object.entries({ first: before, second: after })) {
    await mkdir(join(folder, name));
    await copyFile(pair.certificate, join(folder, name, 'fullchain.pem'));
    await copyFile(pair.key, join(folder, name, 'privkey.pem'));
  }
  call.terminate();
  tls.close();
  server.close();
  await symlink('first', live);
  files = { certificate: join(live, 'fullchain.pem'), key: join(live, 'privkey.pem') };
  await listen();
  await expectShown(before);
  await symlink('second', `${live}.new`);
  await rename(`${live}.new`, live);
  await expectShown(after);
  expect(troubles).toEqual([]);
});

it('keeps the pair in use while the files do not fit, and says so once, without a word of the key', async () => {
  await put(after, 'key');
  await until(() => troubles.length > 0, 'trouble');
  // Written again, as it was: another look, and the same trouble.
  await put(after, 'key');
  await put(before, 'certificate');
  await put(after, 'key');
  await expectShown(before);
  expect(troubles).toEqual([
    `The certificate for browsers cannot be used; the last good one stays in effect.\n${files.key}:1:1: The key does not belong to ${files.certificate}.`,
  ]);
  await replaceFile(files.key, '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n', 0o600);
  await until(() => troubles.length > 1, 'another trouble');
  expect(troubles[1]).toContain('There is no usable PEM key in it.');
  expect(troubles.join()).not.toContain('c2VjcmV0');
  await put(after, 'key');
  await put(after, 'certificate');
  await expectShown(after);
});

it('does not begin with files that do not fit', async () => {
  await expect(BrowserTls.open({ certificate: before.certificate, key: after.key })).rejects.toThrow(
    `${after.key}:1:1: The key does not belong to ${before.certificate}.`,
  );
  await expect(BrowserTls.open({ certificate: before.key, key: before.key })).rejects.toThrow(
    'There is no PEM certificate in it.',
  );
});
