/** Addresses of homeservers as rules have them: by the homeserver's own discovery, and a real resolver. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Discovery } from '#homeserver/federation/discovery.ts';
import { resolverOf } from '#homeserver/federation/dns.ts';
import { listenDns, type TestDns, type TestRecords } from '#homeserver/testing/dns.ts';
import { WORLD } from '#homeserver/world.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { Peer } from '#trust/identity.ts';
import { doorsOf } from './doors.ts';

const beta = 'beta.example' as DomainName;
const SRV = '_hawser-federation._tcp.beta.example';
let dns: TestDns;
let said: string[];

beforeEach(async () => {
  dns = await listenDns({});
  said = [];
});
afterEach(() => dns[Symbol.asyncDispose]());

const peer = (more: Partial<Peer> = {}): Peer => ({
  ...{ domain: beta, state: 'allowed', authority: undefined, homeserver: undefined, mediaPrefixes: ['198.20.0.0/24'] },
  ...{ linkPort: undefined, trunkPorts: undefined, limits: {}, addresses: 'public' },
  may: { messages: true, calls: true, search: 'exact' },
  ...more,
});

async function door(given: Peer, records: TestRecords, directory?: string) {
  dns.records = records;
  const fetch = () =>
    directory === undefined
      ? Promise.reject(new Error('none'))
      : Promise.resolve({ domain: beta, homeserver: directory });
  const discovery = new Discovery({ names: resolverOf([dns.address]), world: WORLD, fetch, most: 32 });
  return (await doorsOf([given], discovery, (line) => said.push(line))).get(beta);
}

describe('the homeserver of a peer', () => {
  it('is at every address of its services', async () => {
    const records = {
      srv: {
        [SRV]: [
          { port: 8_448, target: 'one.beta.example' },
          { port: 8_448, priority: 1, target: 'two.beta.example' },
        ],
      },
      a: { 'one.beta.example': ['198.20.1.1', '198.20.1.2'], 'two.beta.example': ['198.20.1.3'] },
    };
    const found = await door(peer(), records);
    expect(found?.port).toBe(8_448);
    expect(found?.addresses.toSorted()).toEqual(['198.20.1.1', '198.20.1.2', '198.20.1.3']);
    expect(said).toEqual([]);
  });

  it('is at all of many services, of which it is dialled at some', async () => {
    const hosts = Array.from({ length: 6 }, (_, index) => `hs${index}.beta.example`);
    const records = {
      srv: { [SRV]: hosts.map((target) => ({ port: 8_448, target })) },
      a: Object.fromEntries(hosts.map((host, index) => [host, [`198.20.1.${index}`]])),
    };
    expect((await door(peer(), records))?.addresses.toSorted()).toEqual(hosts.map((_, index) => `198.20.1.${index}`));
  });

  it('has no port in particular where its services have several', async () => {
    const records = {
      srv: {
        [SRV]: [
          { port: 8_448, target: 'one.beta.example' },
          { port: 9_448, target: 'one.beta.example' },
        ],
      },
      a: { 'one.beta.example': ['198.20.1.1'] },
    };
    expect((await door(peer(), records))?.port).toBeUndefined();
  });

  it('is where the directory of the domain says, and not at its web server', async () => {
    const records = { a: { 'beta.example': ['198.20.9.9'], 'hs.beta.example': ['198.20.1.1'] } };
    expect(await door(peer(), records, 'hs.beta.example:9448')).toEqual({ addresses: ['198.20.1.1'], port: 9_448 });
  });

  it('is nowhere where there is a web server and no directory', async () => {
    expect(await door(peer(), { a: { 'beta.example': ['198.20.9.9'] } })).toEqual({ addresses: [], port: undefined });
    expect(said).toEqual([
      'hawser: the homeserver of beta.example has no address now, so that its rules have the media prefixes only.',
    ]);
  });

  it('is not at an address of the own house, to which its names may not lead', async () => {
    const records = {
      srv: { [SRV]: [{ port: 22, target: 'hs.beta.example' }] },
      a: { 'hs.beta.example': ['198.20.1.1', '10.0.0.7'] },
    };
    expect(await door(peer(), records)).toEqual({ addresses: [], port: undefined });
    expect(said).toEqual([
      expect.stringMatching(
        /^hawser: the names of beta\.example lead to an address that is not public, .* --addresses any/,
      ),
    ]);
    said = [];
    expect((await door(peer({ addresses: 'any' }), records))?.addresses).toEqual(['198.20.1.1', '10.0.0.7']);
    expect(said).toEqual([]);
  });

  it('keeps the port of the allow list while its name has no address', async () => {
    const homeserver = { host: 'hs.beta.example', port: 8_448 };
    expect(await door(peer({ homeserver }), {})).toEqual({ addresses: [], port: 8_448 });
    expect(said).toHaveLength(1);
  });

  it('is not looked for where the domain is blocked', async () => {
    expect(await door(peer({ state: 'blocked' }), {})).toBeUndefined();
    expect(dns.asked).toEqual([]);
  });
});
