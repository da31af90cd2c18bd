/** The real firewalls take what is written for them, once and again, and list every rule by its name. */
import { isIPv6 } from 'node:net';
import process from 'node:process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureDebianPackages } from '#cli/setup/debian.ts';
import type { DomainName } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import { sampleSite } from '#site/sample.ts';
import { SiteSchema } from '#site/schema.ts';
import { readYaml } from '#site/yaml.ts';
import { iptables } from './formats/iptables.ts';
import { nftables } from './formats/nftables.ts';
import { byFamily } from './formats/split.ts';
import type { Rule } from './rule.ts';
import { isKnown, type PortsPeer, rulesOf } from './rules.ts';
import { type TestHost, TestNetwork } from './testing/network.ts';
import { startUdpSink } from './testing/udp-sink.ts';

const HOST = '20.1.0.2';
const HOST6 = '2001:db8:1::2';
const TURN_PORT = 3_478;
const { value: sample } = readYaml(SiteSchema, sampleSite().replaceAll(/^( *)#(?! )(.*)$/gm, '$1$2'));
if (!sample?.turn || !isKnown(sample)) throw new Error('the sample has TURN hosts, and says how many workers it has');
const hosts = [HOST, HOST6].map((listenIp, index) => ({ name: `turn${index}.alpha.example`, listenIp }));
const site = { ...sample, turn: { ...sample.turn, hosts } };

const beta: PortsPeer = {
  domain: 'beta.example' as DomainName,
  state: 'allowed',
  mediaPrefixes: ['198.51.100.0/24', '2001:db8:7::/48'],
  linkPort: 9_000,
  trunkPorts: { from: 42_000, to: 42_099 },
};
const doors = new Map([[beta.domain, { addresses: ['192.0.2.77', '2001:db8:9::1'], port: 8_448 }]]);
const rules = rulesOf({ site, peers: [beta], doors });

let network: TestNetwork;
let host: TestHost;
let client: TestHost;

beforeAll(async () => {
  await ensureDebianPackages(['nftables', 'iptables', 'iproute2'], 'to try the rules of firewalls in a test');
  network = await TestNetwork.create();
  host = await network.addHost('host', HOST, { also: [HOST6] });
  client = await network.addHost('client', '20.2.0.2', { also: ['2001:db8:2::2'] });
  // They answer, as coturn does, so that flows are established ones.
  for (const ip of [HOST, HOST6]) await startUdpSink(network, host, ip, TURN_PORT);
}, 60_000);

afterAll(() => network.close());

/** How often each rule has to stand there. */
const timesOf = (family: 'ip' | 'ip6', rule: Rule) =>
  byFamily(rule).filter((one) => one.family === undefined || one.family === family).length;
const times = (text: string, id: string) =>
  text.split(new RegExp(`"?${id.replaceAll('.', '\\.')}"?(?![\\w.:-])`)).length - 1;

it('nftables', async () => {
  const other = 'table inet other { chain mine { tcp dport 1 accept; }; }';
  await network.firewall(host, other);
  const list = () => network.run(host, 'nft', ['-s', 'list', 'table', 'inet', 'hawser']);
  const load = (isStrict: boolean) => network.run(host, 'nft', ['-f', '-'], `${nftables(rules, { isStrict })}\n`);
  await load(true);
  const once = await list();
  for (const rule of rules) expect([rule.id, times(once, rule.id)]).toEqual([rule.id, byFamily(rule).length]);
  await load(true);
  expect(await list()).toBe(once);
  await load(false);
  const open = await list();
  for (const rule of rules) {
    const isThere = rule.direction === 'in' && byFamily(rule).length > 0;
    expect([rule.id, open.includes(`"${rule.id}"`)]).toEqual([rule.id, isThere]);
  }
  // What is no business of ours stays.
  expect(await network.run(host, 'nft', ['list', 'tables'])).toBe('table inet other\ntable inet hawser\n');
  await network.firewall(host, '');
});

it('iptables and ip6tables', async () => {
  const load = (isStrict: boolean) => network.run(host, 'sh', ['-s'], `${iptables(rules, { isStrict })}\n`);
  const list = async (program: string) => {
    const text = await network.run(host, `${program}-save`, []);
    // Counts of packets, and when it was asked.
    return text.replaceAll(/^#.*$|\[\d+:\d+\]/gm, '');
  };
  const both = async () => ({ ip: await list('iptables'), ip6: await list('ip6tables') });
  await load(true);
  const once = await both();
  for (const family of ['ip', 'ip6'] as const) {
    for (const rule of rules) {
      // With several addresses on the other side the program makes one rule of each.
      const least = timesOf(family, rule) > 0 ? 1 : 0;
      expect([family, rule.id, Math.min(1, times(once[family], rule.id))]).toEqual([family, rule.id, least]);
    }
    expect(once[family].match(/^-A INPUT .*-j hawser-in$/gm)).toHaveLength(1);
    expect(once[family].match(/^-A OUTPUT .*-j hawser-out$/gm)).toHaveLength(1);
  }
  await load(true);
  expect(await both()).toEqual(once);
  await load(false);
  const open = await both();
  for (const text of Object.values(open)) expect(text).not.toContain('hawser-out');
  await load(false);
  expect(await both()).toEqual(open);
});

it.each([
  ['nftables', HOST],
  ['nftables', HOST6],
  ['iptables', HOST],
  ['iptables', HOST6],
])('%s lets through what a device asks, and no flood of it, at %s', async (format, ip) => {
  await network.firewall(host, format === 'nftables' ? nftables(rules, { isStrict: false }) : '');
  if (format === 'iptables') await network.run(host, 'sh', ['-s'], `${iptables(rules, { isStrict: false })}\n`);
  // Requests of strangers of all four kinds, and what is none. Counted before our rules and behind them.
  const [ask, other] = ['{ 0x0001, 0x0003, 0x0004, 0x0008 }', '{ 0x0016, 0x4000 }'];
  const counter = (types: string) => `udp dport ${TURN_PORT} @th,64,16 ${types} counter;`;
  const count = (hook: string, priority: number) =>
    `chain ${hook} { type filter hook ${hook} priority ${priority}; ${counter(ask)} ${counter(other)} };`;
  await network.run(
    host,
    'nft',
    ['-f', '-'],
    `table inet count { ${count('prerouting', -500)} ${count('input', 500)} }\n`,
  );
  const program = `
    const socket = require('node:dgram').createSocket('${isIPv6(ip) ? 'udp6' : 'udp4'}');
    const send = (type) => new Promise((resolve) =>
      socket.send(Buffer.from(type + '0000' + '2112a442' + '0'.repeat(24), 'hex'), ${TURN_PORT}, '${ip}', resolve));
    (async () => {
      for (let i = 0; i < 1000; i++) await send(['0001', '0003', '0004', '0008'][i % 4]);
      for (let i = 0; i < 100; i++) await send(['0016', '4000'][i % 2]);
      socket.close();
    })();`;
  const begin = performance.now();
  await network.run(client, process.execPath, ['-e', program]);
  const counted = async () =>
    [...(await network.run(host, 'nft', ['list', 'table', 'inet', 'count'])).matchAll(/packets (\d+)/g)].map(
      ([, packets]) => Number(packets),
    );
  const [sent, sentOther, passed, passedOther] = await until(async () => {
    const each = await counted();
    return each[1] === 100 && each;
  }, 'all of it to come');
  const seconds = (performance.now() - begin) / 1_000;
  expect([sent, sentOther, passedOther]).toEqual([1_000, 100, 100]);
  expect(passed).toBeGreaterThanOrEqual(500);
  expect(passed).toBeLessThanOrEqual(Math.ceil(500 + 50 * seconds) + 1);
});
