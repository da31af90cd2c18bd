/** For tests: two organisations and the people of both, each on hosts of its own, with DNS between them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { ensureWorker } from '#cli/setup/worker.ts';
import { API } from '#signalling/client-home.ts';
import { userIdOf } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import { WebAuthority } from '#turn-config/testing/certificate.ts';
import { buildWeb } from '#web/build.ts';
import { startDns, type TestDns } from './dns.ts';
import { type TestHost, TestNetwork } from './network.ts';
import { TestSite } from './site.ts';

export const PASSWORD = 'correct horse battery staple';
export const TITLE = 'Alpha and Beta';

export interface TwoSites {
  readonly network: TestNetwork;
  readonly alpha: TestSite;
  readonly beta: TestSite;
  /** Where people of each are. */
  readonly alice: TestHost;
  readonly bob: TestHost;
  readonly authority: WebAuthority;
  readonly dnsHost: TestHost;
  /** Names of both. */
  readonly dns: TestDns;
  close(): Promise<void>;
}

/** Both allow each other, serve, and have met. Addresses look like those of the internet, which they are not connected to. */
export async function startTwoSites({ turn = false }: { readonly turn?: boolean } = {}): Promise<TwoSites> {
  process.env.MEDIASOUP_WORKER_BIN ??= await ensureWorker();
  await buildWeb();
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'hawser-sites-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const network = await TestNetwork.create();
  undo.defer(() => network.close());
  const dns = '20.9.0.53';
  const dnsHost = await network.addHost('dns', dns);
  const host = (name: string, ip: string) => network.addHost(name, ip, { dns });
  const hosts = { alpha: await host('alpha', '20.1.0.2'), beta: await host('beta', '20.2.0.2') };
  const turnHosts = turn ? { alpha: await host('turn', '20.1.0.3') } : undefined;
  const [alice, bob] = [await host('alice', '20.3.0.2'), await host('bob', '20.4.0.2')];
  const authority = await WebAuthority.create();
  const prepare = (name: 'alpha' | 'beta') =>
    TestSite.prepare({
      ...{ network, name, host: hosts[name], folder: join(folder, name), authority },
      ...(turnHosts && name === 'alpha' && { turn: turnHosts.alpha }),
    });
  const [alpha, beta] = [await prepare('alpha'), await prepare('beta')];
  const zone = { addresses: { ...alpha.names, ...beta.names }, services: { ...alpha.services, ...beta.services } };
  const names = await startDns(network, dnsHost, zone);
  await alpha.allow([beta]);
  await beta.allow([alpha]);
  undo.defer(() => Promise.all([alpha.stop(), beta.stop()]).then(() => undefined));
  await Promise.all([alpha.start(), beta.start()]);
  await Promise.all([alpha.createAccount('alice', PASSWORD), beta.createAccount('bob', PASSWORD)]);
  await until(() => converse(network, alice, alpha, beta, authority), 'a conversation of both', 60_000);
  const running = undo.move();
  return {
    ...{ network, alpha, beta, alice, bob, authority, dnsHost },
    dns: names,
    close: () => running.disposeAsync(),
  };
}

/** Alice, from where she is, makes a conversation with Bob. */
async function converse(
  network: TestNetwork,
  from: TestHost,
  alpha: TestSite,
  beta: TestSite,
  authority: WebAuthority,
) {
  const script = `
    const https = require('node:https');
    const call = (method, path, token, body) => new Promise((resolve, reject) => {
      const request = https.request('${alpha.url}${API}/' + path, {
        method, ca: ${JSON.stringify(authority.certificate)},
        headers: { 'content-type': 'application/json', ...(token ? { authorization: 'Bearer ' + token } : {}) },
      }, (answer) => {
        let text = '';
        answer.on('data', (part) => { text += part; });
        answer.on('end', () => answer.statusCode < 300 ? resolve(text ? JSON.parse(text) : {}) : reject(new Error(text)));
      });
      request.on('error', reject);
      request.end(body ? JSON.stringify(body) : undefined);
    });
    (async () => {
      const { accessToken } = await call('POST', 'sessions', undefined, { handle: 'alice', password: ${JSON.stringify(PASSWORD)} });
      await call('POST', 'conversations', accessToken, { title: '${TITLE}', members: ['${userIdOf(beta.domain, 'bob')}'] });
    })().catch((error) => { console.error(error.message); process.exit(1); });`;
  return network.run(from, process.execPath, ['-e', script]).then(
    () => true,
    () => false,
  );
}
