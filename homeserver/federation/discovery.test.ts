/** Where a domain is found: with a real resolver, and a DNS server and web servers on loopback that stand for the world's. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeTestDomain, type TestDomain } from '#trust/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { listenDns, type TestDns, type TestRecords } from '../testing/dns.ts';
import { domain, type TestWorld, testWorld } from '../testing/world.ts';
import { DIRECTORY_PATH, fetchDirectory } from './directory.ts';
import { Discovery, type SoughtPeer } from './discovery.ts';
import { resolverOf } from './dns.ts';

const beta = domain('beta.example');
const SRV = '_hawser-federation._tcp.beta.example';
const peer = (more: Partial<SoughtPeer> = {}): SoughtPeer => ({
  domain: beta,
  homeserver: undefined,
  addresses: 'public',
  ...more,
});

let certificates: TestDomain;
let web: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let ca: string;
let dns: TestDns;
let world: TestWorld;
let refused: string[];
let discovery: Discovery;

const folder = temporaryFolder();

beforeAll(async () => {
  certificates = await makeTestDomain(folder, 'beta.example');
  ca = await readFile(certificates.authority, 'utf8');
  const { certificate, key } = certificates.homeserver;
  web = createServer({ cert: await readFile(certificate), key: await readFile(key) }, (request, response) =>
    answer(request, response),
  );
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
});
afterAll(() => web.close());
beforeEach(async () => {
  dns = await listenDns({});
  [world, refused] = [testWorld(), []];
  answer = (_request, response) => response.writeHead(404).end();
  discovery = new Discovery({
    names: resolverOf([dns.address]),
    world,
    web: { port: (web.address() as AddressInfo).port, ca },
    onRefused: (name) => refused.push(name),
  });
});
afterEach(() => dns[Symbol.asyncDispose]());

const failure = (given: SoughtPeer) => discovery.find(given).catch((error: { code?: string }) => error.code);
const service = (addresses: readonly string[], more: Partial<TestRecords> = {}): TestRecords => ({
  srv: { [SRV]: [{ port: 8448, target: 'hs.beta.example' }] },
  a: { 'hs.beta.example': addresses },
  ...more,
});
const directory = (homeserver: string, status = 200) => {
  answer = (request, response) => {
    const isHere = request.url === DIRECTORY_PATH && request.headers.host?.startsWith('beta.example');
    response.writeHead(isHere ? status : 404, { location: 'https://127.0.0.1/' });
    response.end(JSON.stringify({ domain: 'beta.example', homeserver, more: 'of others' }));
  };
};

describe('the order', () => {
  test('an address that the administrator wrote is taken as it is, and nobody is asked', async () => {
    const homeserver = { host: '127.0.0.1', port: 8448 };
    expect(await discovery.find(peer({ homeserver }))).toEqual([homeserver]);
    expect(dns.asked).toEqual([]);
  });

  test('a name that he wrote is looked up', async () => {
    dns.records = { a: { 'hs.beta.example': ['8.8.8.8', '9.9.9.9'] } };
    expect(await discovery.find(peer({ homeserver: { host: 'hs.beta.example', port: 1 } }))).toEqual([
      { host: '8.8.8.8', port: 1 },
      { host: '9.9.9.9', port: 1 },
    ]);
    expect(dns.asked).not.toContain(SRV);
  });

  test('else SRV, by priority', async () => {
    const [first, second] = ['one.beta.example', 'two.beta.example'];
    dns.records = {
      srv: {
        [SRV]: [
          { priority: 20, port: 2, target: second },
          { priority: 10, port: 1, target: first },
        ],
      },
      a: { [first]: ['8.8.8.8'], [second]: ['9.9.9.9'] },
    };
    expect(await discovery.find(peer())).toEqual([
      { host: '8.8.8.8', port: 1 },
      { host: '9.9.9.9', port: 2 },
    ]);
  });

  test('else the directory, which may name whatever host it likes', async () => {
    dns.records = { a: { 'beta.example': ['127.0.0.1'], 'hosting.example': ['8.8.4.4'] } };
    directory('hosting.example:8448');
    expect(await discovery.find(peer({ addresses: 'any' }))).toEqual([{ host: '8.8.4.4', port: 8448 }]);
  });

  test('a domain that says that it has none has none', async () => {
    dns.records = { srv: { [SRV]: [{ port: 0, target: '.' }] } };
    expect(await failure(peer())).toBe('FED_UNREACHABLE');
  });
});

describe('what is refused', () => {
  test.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '192.168.1.1', '100.64.0.1'])(
    'a service at %s, unless the entry allows it',
    async (address) => {
      dns.records = service(['8.8.8.8', address]);
      expect(await failure(peer())).toBe('FED_ADDRESS');
      expect(refused).toEqual(['beta.example']);
      expect(await discovery.find(peer({ addresses: 'any' }))).toContainEqual({ host: address, port: 8448 });
    },
  );

  test('a web server in the own house is not even asked', async () => {
    let asked = 0;
    answer = () => {
      asked += 1;
    };
    dns.records = { a: { 'beta.example': ['127.0.0.1'] } };
    expect(await failure(peer())).toBe('FED_ADDRESS');
    expect(asked).toBe(0);
  });

  test.each(['169.254.169.254:80', '[::1]:8448', '[::ffff:127.0.0.1]:1', '[64:ff9b::7f00:1]:1'])(
    'a directory that names %s',
    async (homeserver) => {
      dns.records = { a: { 'beta.example': ['127.0.0.1'] } };
      directory(homeserver);
      const names = resolverOf([dns.address]);
      // The web server of the test is in the own house itself; what it names is judged as of a public one.
      const looser = new Discovery({
        names: { ...names, addresses: async () => [{ address: '8.8.8.8', ttl: 60 }] },
        world,
        web: { port: (web.address() as AddressInfo).port, ca },
        fetch: (request) => fetchDirectory({ ...request, address: '127.0.0.1' }),
      });
      await expect(looser.find(peer())).rejects.toMatchObject({ code: 'FED_ADDRESS' });
    },
  );

  test('a redirection, an endless answer, another domain’s directory, and no JSON', async () => {
    dns.records = { a: { 'beta.example': ['127.0.0.1'] } };
    const given = peer({ addresses: 'any' });
    const again = async () => {
      world.advance(5_000);
      return failure(given);
    };
    directory('hs.beta.example:8448', 302);
    expect(await again()).toBe('FED_UNREACHABLE');
    answer = (_request, response) => {
      const more = () => {
        if (!response.destroyed) response.write('x'.repeat(10_000), () => setImmediate(more));
      };
      more();
    };
    expect(await again()).toBe('FED_UNREACHABLE');
    for (const body of ['{"domain":"gamma.example","homeserver":"8.8.8.8:1"}', '[', '{"domain":"beta.example"}']) {
      answer = (_request, response) => response.end(body);
      expect(await again()).toBe('FED_UNREACHABLE');
    }
    directory('8.8.8.8:8448');
    expect(await again()).toEqual([{ host: '8.8.8.8', port: 8448 }]);
  });
});

describe('answers are kept', () => {
  test('as long as they say, within bounds', async () => {
    dns.records = service(['8.8.8.8'], { ttl: 86_400 });
    await discovery.find(peer());
    const asked = dns.asked.length;
    dns.records = service(['9.9.9.9'], { ttl: 1 });
    world.advance(5 * 60_000 - 1);
    expect(await discovery.find(peer())).toEqual([{ host: '8.8.8.8', port: 8448 }]);
    expect(dns.asked).toHaveLength(asked);
    world.advance(1);
    expect(await discovery.find(peer())).toEqual([{ host: '9.9.9.9', port: 8448 }]);
    dns.records = service(['8.8.8.8']);
    world.advance(29_999);
    expect(await discovery.find(peer())).toEqual([{ host: '9.9.9.9', port: 8448 }]);
    world.advance(1);
    expect(await discovery.find(peer())).toEqual([{ host: '8.8.8.8', port: 8448 }]);
  });

  test('many at once ask once', async () => {
    dns.records = service(['8.8.8.8']);
    await Promise.all(Array.from({ length: 50 }, () => discovery.find(peer())));
    expect(dns.asked.filter((name) => name === SRV)).toHaveLength(1);
  });

  test('and serve on while nobody can say, but not where they lead into the own house', async () => {
    dns.records = service(['8.8.8.8']);
    const names = resolverOf([dns.address]);
    let isAway = false;
    const away = async () => Promise.reject(Object.assign(new Error('away'), { code: 'ETIMEOUT' }));
    const patient = new Discovery({
      names: {
        services: (name) => (isAway ? away() : names.services(name)),
        addresses: (host) => (isAway ? away() : names.addresses(host)),
      },
      world,
    });
    await patient.find(peer());
    isAway = true;
    world.advance(6 * 60_000);
    expect(await patient.find(peer())).toEqual([{ host: '8.8.8.8', port: 8448 }]);
    [isAway, dns.records] = [false, service(['127.0.0.1'])];
    world.advance(6 * 60_000);
    await expect(patient.find(peer())).rejects.toMatchObject({ code: 'FED_ADDRESS' });
  });

  test('not for an entry that was changed', async () => {
    dns.records = service(['10.0.0.1']);
    expect(await failure(peer())).toBe('FED_ADDRESS');
    expect(await discovery.find(peer({ addresses: 'any' }))).toEqual([{ host: '10.0.0.1', port: 8448 }]);
    expect(await failure(peer())).toBe('FED_ADDRESS');
  });
});
