/** For tests: a right site in a folder of its own, with real certificates, to be spoilt one thing at a time. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTestDomain, type TestDomain } from '#trust/testing.ts';
import type { Machine } from './machine.ts';

/** A machine on which the site is right. */
export const MACHINE: Machine = {
  addresses: ['127.0.0.1', '::1', '198.20.0.7', '10.0.0.7'],
  uid: process.getuid?.(),
  workers: 2,
  outgoing: { from: 32_768, to: 60_999 },
  reserved: [{ from: 40_000, to: 41_999 }],
  receiveBuffer: 8_388_608,
  firstFreePort: 1_024,
  coturn: undefined,
  hasSystemd: true,
};

/** What a container sees of the machine that it is on, or what a test leaves out of it. */
export const CONTAINER: Omit<Machine, 'addresses' | 'uid'> = {
  outgoing: undefined,
  reserved: [],
  receiveBuffer: undefined,
  firstFreePort: 1_024,
  workers: 2,
  coturn: undefined,
  hasSystemd: false,
};

export const HAWSER_YAML = `domain: alpha.example
data: data
peers: peers.yaml
certificates:
  authority: alpha.example/authority.pem
  revocationList: alpha.example/revoked.pem
  homeserver:
    certificate: alpha.example/homeserver.pem
    key: alpha.example/homeserver.key
  sft:
    certificate: alpha.example/sft.pem
    key: alpha.example/sft.key
  tickets:
    privateKey: alpha.example/tickets.key
    publicKey: alpha.example/tickets.pem
  devices:
    root: alpha.example/devices-root.pem
    revocationList: alpha.example/devices-root-revoked.pem
    certificate: alpha.example/devices.pem
    key: alpha.example/devices.key
homeserver:
  client:
    listen: 0.0.0.0:8443
    url: https://call.alpha.example:8443
    tls:
      certificate: browsers/fullchain.pem
      key: browsers/privkey.pem
  federation:
    listen: 0.0.0.0:8448
    address: hs.alpha.example:8448
  admin:
    listen: 127.0.0.1:8450
sft:
  client:
    listen: 0.0.0.0:8543
    url: wss://sft.alpha.example:8543/client/v1
    tls:
      certificate: browsers/fullchain.pem
      key: browsers/privkey.pem
    origins: [https://call.alpha.example:8443]
  link:
    listen: 0.0.0.0:8548
    url: wss://sft.alpha.example:8548/link/v1
  admin:
    listen: 127.0.0.1:8550
  homeserver: wss://hs.alpha.example:8448/sft/v1
  media:
    workers: 2
    listenIp: 198.20.0.7
    port: 40000
  trunk:
    listenIp: 198.20.0.7
    ports:
      from: 41000
      to: 41199
`;

/** May follow it: a TURN host on another machine. */
export const TURN_YAML = `turn:
  hosts: [{ name: turn.alpha.example, listenIp: 198.20.0.8 }]
  tlsPort: 443
  secrets: turn.secrets
  ports: { from: 50000,
    to: 50999 }
`;

export const PEERS_YAML = `- domain: beta.example
  state: allowed
  authority: beta.example/authority.pem
  revocationList: beta.example/revoked.pem
  homeserver: hs.beta.example:8448
  mediaPrefixes: [198.21.0.0/24]
- domain: gamma.example
  state: allowed
  authority: gamma.example/authority.pem
  revocationList: gamma.example/revoked.pem
  homeserver: hs.gamma.example:8448
  mediaPrefixes:
    - 198.22.0.0/24
    - 2606:1:2::/48
- domain: delta.example
  state: blocked
`;

export interface TestSite {
  readonly folder: string;
  /** Of hawser.yaml. */
  readonly path: string;
  readonly alpha: TestDomain;
  readonly beta: TestDomain;
  readonly gamma: TestDomain;
}

/** Everything that the two files name, and no more. The two themselves are the test's to write. */
export async function makeTestSite(folder: string): Promise<TestSite> {
  const make = (name: string) => makeTestDomain(folder, `${name}.example`);
  const [alpha, beta, gamma] = [await make('alpha'), await make('beta'), await make('gamma')];
  await mkdir(join(folder, 'browsers'));
  const { certificate, key } = await alpha.issue({ names: ['call.alpha.example', 'sft.alpha.example'] });
  await rename(certificate, join(folder, 'browsers/fullchain.pem'));
  await rename(key, join(folder, 'browsers/privkey.pem'));
  await mkdir(join(folder, 'data'), { mode: 0o700 });
  await writeFile(join(folder, 'peers.yaml'), PEERS_YAML);
  await writeFile(join(folder, 'turn.secrets'), 'a-secret-of-the-test-that-is-long-enough\n', { mode: 0o600 });
  return { folder, path: join(folder, 'hawser.yaml'), alpha, beta, gamma };
}
