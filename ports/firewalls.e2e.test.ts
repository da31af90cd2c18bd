/** The real firewalls take what is written for them, once and again, and list every rule by its name. */
import { isIPv6 } from 'node:net';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureDebianPackages } from '#cli/setup/debian.ts';
import type { DomainName } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import { sampleSite } from '#site/sample.ts';
import { SiteSchema } from '#site/schema.ts';
import { readYaml } from '#site/yaml.ts';
import { iptables } from './formats/iptables.ts';
import { nftables } from './formats/nftables.ts';
import { byFamily } from './formats/split.ts';
import { ufw } from './formats/ufw.ts';
import type { Rule } from './rule.ts';
import { commentOf } from './rule-ids.ts';
import { isKnown, type PortsPeer, rulesOf } from './rules.ts';
import { type TestHost, TestNetwork } from './testing/network.ts';
import { startUdpSink } from './testing/udp-sink.ts';

const HOST = '20.1.0.2';
/** Of the same machine: a second TURN host of one family. */
const SECOND = '20.1.0.3';
const HOST6 = '2001:db8:1::2';
/** Any address of these is one of the client's. */
const [CLIENTS, CLIENTS6] = ['20.8.0.0/16', '2001:db8:8::/64'];
const TURN_PORT = 3_478;
/** Several of each, as the firewalls list them. */
const ssh = { ports: [22, 2_222], from: ['198.51.100.0/24', '192.0.2.1', '2001:db8:5::/48'] };
const { value: sample } = readYaml(SiteSchema, sampleSite().replaceAll(/^( *)#(?! )(.*)$/gm, '$1$2'));
if (!sample?.turn || !isKnown(sample)) throw new Error('the sample has TURN hosts, and says how many workers it has');
/** As long as DNS allows. */
const longName = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(47)}.alpha.example`;
const names = ['turn.alpha.example', longName, longName.replace('d.', 'e.')];
const hosts = [HOST, SECOND, HOST6].map((listenIp, index) => ({ name: names[index] ?? '', listenIp }));
const site = { ...sample, turn: { ...sample.turn, hosts } };

const beta: PortsPeer = {
  domain: 'beta.example' as DomainName,
  state: 'allowed',
  // Bits that do not count, one within another, and the same twice: an administrator may have written it.
  mediaPrefixes: ['198.51.100.7/24', '198.51.100.128/25', '198.51.100.9/24', '2001:db8:7::1/48'],
  linkPort: 9_000,
  trunkPorts: { from: 42_000, to: 42_099 },
};
const doors = new Map([[beta.domain, { addresses: ['192.0.2.77', '2001:db8:9::1'], port: 8_448 }]]);
const rules = rulesOf({ site, peers: [beta], doors });

let network: TestNetwork;
let host: TestHost;
let client: TestHost;

beforeAll(async () => {
  await ensureDebianPackages(['nftables', 'iptables', 'ufw', 'iproute2'], 'to try the rules of firewalls in a test');
  network = await TestNetwork.create();
  host = await network.addHost('host', HOST, { also: [SECOND, HOST6] });
  client = await network.addHost('client', '20.2.0.2', { also: ['2001:db8:2::2'] });
  for (const [family, prefix] of [
    ['-4', CLIENTS],
    ['-6', CLIENTS6],
  ] as const) {
    await network.run(client, 'ip', [family, 'route', 'add', 'local', prefix, 'dev', 'lo']);
    await network.run(network.router, 'ip', [family, 'route', 'add', prefix, 'dev', network.cableOf(client)]);
  }
  await network.run(client, 'sysctl', ['-qw', 'net.ipv6.ip_nonlocal_bind=1']);
  // They answer, as coturn does, so that flows are established ones.
  for (const ip of [HOST, SECOND, HOST6]) await startUdpSink(network, host, ip, TURN_PORT);
}, 60_000);

afterAll(() => network.close());

/** How often each rule has to stand there. */
const timesOf = (family: 'ip' | 'ip6', rule: Rule) =>
  byFamily(rule).filter((one) => one.family === undefined || one.family === family).length;
const times = (text: string, id: string) =>
  text.split(new RegExp(`"?${commentOf(id).replaceAll('.', '\\.')}"?(?![\\w.:-])`)).length - 1;

it('nftables', async () => {
  const other = 'table inet other { chain mine { tcp dport 1 accept; }; }';
  await network.firewall(host, other);
  const list = () => network.run(host, 'nft', ['-s', 'list', 'table', 'inet', 'hawser']);
  const load = (isStrict: boolean) => network.run(host, 'nft', ['-f', '-'], `${nftables(rules, { isStrict, ssh })}\n`);
  await load(true);
  const once = await list();
  for (const rule of rules) expect([rule.id, times(once, rule.id)]).toEqual([rule.id, byFamily(rule).length]);
  await load(true);
  expect(await list()).toBe(once);
  await load(false);
  const open = await list();
  for (const rule of rules) {
    const isThere = rule.direction === 'in' && byFamily(rule).length > 0;
    expect([rule.id, open.includes(`"${commentOf(rule.id)}"`)]).toEqual([rule.id, isThere]);
  }
  // What is no business of ours stays.
  expect(await network.run(host, 'nft', ['list', 'tables'])).toBe('table inet other\ntable inet hawser\n');
  await network.firewall(host, '');
});

it('iptables and ip6tables', async () => {
  const load = (isStrict: boolean) => network.run(host, 'sh', ['-s'], `${iptables(rules, { isStrict, ssh })}\n`);
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

it('ufw', async () => {
  await network.firewall(host, '');
  // It writes there what it was told, and loads it with each start.
  for (const folder of ['ufw', 'default']) await network.ownConfiguration(host, folder);
  await network.run(host, 'sh', ['-s'], `${ufw(rules, { isStrict: true, ssh })}\n`);
  await network.run(host, 'ufw', ['--force', 'enable']);
  const list = await network.run(host, 'ufw', ['status']);
  const named = list.split('\n').flatMap((line) => line.split('# ')[1]?.split(' ') ?? []);
  for (const rule of rules) {
    expect([rule.id, named.includes(commentOf(rule.id))]).toEqual([rule.id, byFamily(rule).length > 0]);
  }
  expect(list.match(/# ssh-in/g)).toHaveLength(6);
});

/** Puts them into effect. */
async function load(
  format: string,
  change: (text: string) => string = (text) => text,
  isStrict = false,
): Promise<void> {
  await network.firewall(host, format === 'nftables' ? change(nftables(rules, { isStrict, ssh })) : '');
  if (format === 'iptables') await network.run(host, 'sh', ['-s'], `${change(iptables(rules, { isStrict, ssh }))}\n`);
}

interface Flood {
  readonly to: string;
  readonly from: readonly string[];
  /** Of each source. */
  readonly packets: number;
}

/** Requests of strangers of all four kinds from each source, and then 100 packets that are none. */
async function flood({ to, from, packets }: Flood) {
  // Counted before our rules and behind them.
  const [ask, other] = ['{ 0x0001, 0x0003, 0x0004, 0x0008 }', '{ 0x0016, 0x4000 }'];
  const counter = (types: string) => `udp dport ${TURN_PORT} @th,64,16 ${types} counter;`;
  const count = (hook: string, priority: number) =>
    `chain ${hook} { type filter hook ${hook} priority ${priority}; ${counter(ask)} ${counter(other)} };`;
  const table = `table inet count { ${count('prerouting', -500)} ${count('input', 500)} }`;
  await network.run(host, 'nft', ['-f', '-'], `${table}\n`);
  const program = `
    const { createSocket } = require('node:dgram');
    const open = (from) => new Promise((resolve) => {
      const socket = createSocket('${isIPv6(to) ? 'udp6' : 'udp4'}');
      socket.bind(0, from, () => resolve(socket));
    });
    const send = (socket, type) => new Promise((resolve) =>
      socket.send(Buffer.from(type + '0000' + '2112a442' + '0'.repeat(24), 'hex'), ${TURN_PORT}, '${to}', resolve));
    (async () => {
      let last;
      for (const from of ${JSON.stringify(from)}) {
        last?.close();
        last = await open(from);
        for (let i = 0; i < ${packets}; i++) await send(last, ['0001', '0003', '0004', '0008'][i % 4]);
      }
      for (let i = 0; i < 100; i++) await send(last, ['0016', '4000'][i % 2]);
      last.close();
    })();`;
  const begin = performance.now();
  await network.run(client, process.execPath, ['-e', program]);
  const counted = async () =>
    [...(await network.run(host, 'nft', ['list', 'table', 'inet', 'count'])).matchAll(/packets (\d+)/g)].map(
      ([, count]) => Number(count),
    );
  const [sent, sentOther, passed = 0, passedOther] = await until(async () => {
    const each = await counted();
    return each[1] === 100 && each;
  }, 'all of it to come');
  expect([sent, sentOther, passedOther]).toEqual([from.length * packets, 100, 100]);
  return { passed, seconds: (performance.now() - begin) / 1_000 };
}

const many = (count: number, ip: (index: number) => string) => Array.from({ length: count }, (_, index) => ip(index));

describe.each(['nftables', 'iptables'])('%s', (format) => {
  it.each([
    ['a device asks', HOST, ['20.2.0.2']],
    ['a device asks of a second host', SECOND, ['20.2.0.2']],
    ['a device asks by IPv6', HOST6, ['2001:db8:2::2']],
    ['comes from many addresses of one network of IPv6', HOST6, many(20, (index) => `2001:db8:8::${index}:1`)],
  ])('lets through what %s, and no flood of it', async (_what, to, from) => {
    await load(format);
    const { passed, seconds } = await flood({ to, from, packets: 1_000 / from.length });
    expect(passed).toBeGreaterThanOrEqual(500);
    expect(passed).toBeLessThanOrEqual(Math.ceil(500 + 50 * seconds) + 1);
  });

  it.each([
    ['there is room for', (text: string) => text, 2_000],
    [
      'nobody can count any more',
      (text: string) =>
        text.replaceAll('size 65536', 'size 16').replaceAll('max 65536', 'max 16 --hashlimit-htable-size 16'),
      16 * 20,
    ],
  ])('lets no flood through of as many sources as %s', async (_what, change, least) => {
    await load(format, change);
    const from = many(300, (index) => `20.8.${index >> 8}.${index & 255}`);
    const { passed, seconds } = await flood({ to: HOST, from, packets: 20 });
    expect(passed).toBeGreaterThanOrEqual(least);
    expect(passed).toBeLessThanOrEqual(Math.ceil(2_000 + 2_000 * seconds) + 1);
  });
});

const BOTH = ['iptables', 'ip6tables'] as const;

/** Without what differs each time. */
async function saved(programs: readonly string[]): Promise<string> {
  const texts = await Promise.all(programs.map((each) => network.run(host, `${each}-save`, [])));
  return texts.join('').replaceAll(/^#.*$|\[\d+:\d+\]/gm, '');
}

it.each([
  ['iptables', '-p tcp --dport 99999 -j DROP', BOTH],
  ['ip6tables', '-p tcp --dport 99999 -j DROP', BOTH],
  // Reads well, and the kernel knows no such chain.
  ['iptables', '-j nowhere', BOTH],
  ['ip6tables', '-j nowhere', ['ip6tables']],
])('a line of %s that is refused (%s) leaves the old rules', async (program, line, kept) => {
  await load('iptables');
  const before = await saved(kept);
  const text = iptables(rules, { isStrict: true, ssh });
  const at = text.indexOf('-A hawser-in -j DROP', text.indexOf(`rules_of_${program}() {`));
  const spoilt = `${text.slice(0, at)}-A hawser-in ${line}\n${text.slice(at)}\n`;
  await expect(network.run(host, 'sh', ['-s'], spoilt)).rejects.toThrow();
  expect(await saved(kept)).toBe(before);
});

it.each(['nftables', 'iptables'])('%s is never open while rules are made anew', async (format) => {
  await load(format);
  const counter = (hook: string, priority: number) =>
    `chain ${hook} { type filter hook ${hook} priority ${priority}; udp dport 7 counter; };`;
  const table = `table inet count { ${counter('prerouting', -500)} ${counter('input', 500)} }`;
  await network.run(host, 'nft', ['-f', '-'], `${table}\n`);
  const counted = async () =>
    [...(await network.run(host, 'nft', ['list', 'table', 'inet', 'count'])).matchAll(/packets (\d+)/g)].map(
      ([, packets]) => Number(packets),
    );
  const program = `
    const socket = require('node:dgram').createSocket('udp4');
    const send = () => socket.send('x', 7, '${HOST}', () => setImmediate(send));
    send();`;
  const child = network.start(client, process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'inherit'] });
  const sent = async () => (await counted())[0] ?? 0;
  await until(async () => (await sent()) > 0, 'packets to come');
  // A round proves nothing where the system gave the sender no turn while rules were made.
  let proofs = 0;
  const end = performance.now() + 60_000;
  for (let round = 0; proofs < 10 && performance.now() < end; round++) {
    const before = await sent();
    if (format === 'nftables') {
      await network.run(host, 'nft', ['-f', '-'], `${nftables(rules, { isStrict: false, ssh })}\n`);
    } else {
      await network.run(host, 'sh', ['-s'], `${iptables(rules, { isStrict: round % 2 === 0, ssh })}\n`);
    }
    if ((await sent()) > before) {
      proofs += 1;
    }
  }
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  child.kill('SIGKILL');
  expect(proofs).toBe(10);
  expect((await counted())[1]).toBe(0);
});

it('a page behind a reverse proxy is reached at the port of its URL, and nothing else is', async () => {
  const behind = structuredClone(site);
  behind.homeserver.client.listen = '127.0.0.1:8443';
  await network.firewall(
    host,
    nftables(rulesOf({ site: behind, peers: [], doors: new Map() }), { isStrict: false, ssh }),
  );
  const listening = network.start(
    host,
    process.execPath,
    [
      '-e',
      "for (const port of [443, 8443]) require('node:net').createServer((each) => each.end()).listen(port, '0.0.0.0', () => console.log(port));",
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let ready = '';
  listening.stdout?.on('data', (chunk) => (ready += String(chunk)));
  await until(async () => ready.includes('\n8443\n') || ready.startsWith('8443\n443\n'), 'both ports');
  const dial = (port: number, timeout: number) =>
    network.run(client, process.execPath, [
      '-e',
      `const socket = require('node:net').connect({ port: ${port}, host: '${HOST}', timeout: ${timeout} });
       const end = (word) => { console.log(word); process.exit(); };
       socket.on('connect', () => end('open')).on('timeout', () => end('silent')).on('error', () => end('refused'));`,
    ]);
  expect(await Promise.all([dial(443, 15_000), dial(8_443, 1_000)])).toEqual(['open\n', 'silent\n']);
  listening.kill('SIGKILL');
});

it('with --strict a host keeps its IPv6: it asks for routers and says to which groups it listens', async () => {
  const [ip, ip6] = ['20.4.0.2', '2001:db8:4::2'];
  const quiet = await network.addHost('quiet', ip, { also: [ip6] });
  const count = (types: readonly string[]) => types.map((type) => `icmpv6 type ${type} counter;`).join(' ');
  const chain = (hook: string, priority: number, types: readonly string[]) =>
    `table inet count { chain ${hook} { type filter hook ${hook} priority ${priority}; ${count(types)} }; }`;
  const packets = async (where: TestHost | string) =>
    [...(await network.run(where, 'nft', ['list', 'table', 'inet', 'count'])).matchAll(/packets (\d+)/g)].map(
      ([, each]) => Number(each) > 0,
    );
  await network.firewall(
    quiet,
    `${nftables(rules, { isStrict: true, ssh })}\n${chain('input', 500, ['mld-listener-query'])}`,
  );
  await network.firewall(network.router, chain('prerouting', -500, ['nd-router-solicit', 'mld2-listener-report']));
  // From a router, whether anybody listens: type 130 (RFC 2710).
  await network.run(network.router, 'perl', [
    ...['-MSocket=:DEFAULT,inet_pton', '-e'],
    `socket(my $s, PF_INET6, SOCK_RAW, 58) or die $!;
     send($s, pack('CCnnn', 130, 0, 0, 1000, 0) . "\\0" x 16, 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, '${ip6}'))) or die $!;`,
  ]);
  await until(async () => (await packets(quiet)).every(Boolean), 'a question of the router to be let in');
  await network.run(quiet, 'sh', ['-c', 'ip link set eth0 down && ip link set eth0 up']);
  await until(async () => (await packets(network.router)).every(Boolean), 'what the host says of itself', 10_000);
  await network.firewall(network.router, '');
});
