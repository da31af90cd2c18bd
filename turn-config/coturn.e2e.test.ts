/** The real coturn with the configuration that is rendered, in a network of its own: what it relays, and what it does not. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestHost, TestNetwork } from '#ports/testing/network.ts';
import { startUdpSink, type UdpSink } from '#ports/testing/udp-sink.ts';
import { until } from '#signalling/testing.ts';
import { sampleSite } from '#site/sample.ts';
import type { Site } from '#site/schema.ts';
import { SiteSchema } from '#site/schema.ts';
import { readYaml } from '#site/yaml.ts';
import { checkCoturn } from './check.ts';
import { coturnDirectives, type Directive, USER_QUOTA } from './coturn.ts';
import { credentialUntil, turnCredential } from './credential.ts';
import { writeSecrets } from './database.ts';
import { ALL_ADDRESSES, DENIED_RANGES, type DeniedRange } from './denied-ranges.ts';
import { Asker } from './testing/asker.ts';
import { WebAuthority, type WebCertificate } from './testing/certificate.ts';
import { startCoturn, type TestCoturn } from './testing/coturn.ts';

const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
const NAME = 'turn.alpha.example';
const SECRET = 'a-secret-of-the-test-that-is-long-enough';
const MEDIA = 40_000;
/** The SFT is in a private range that is denied, as in many an organisation. */
const SFT = '10.1.0.2';
const TURN = '10.1.0.3';
const TURN6 = 'fd00:1::3';
const CLIENT6 = 'fd00:2::2';
/** Further addresses of the TURN host, for a coturn that runs beside the others. */
const SECOND = '10.1.0.5';
const SECOND6 = 'fd00:1::5';

const network = await TestNetwork.create();
let sft: TestHost;
let turn: TestHost;
let client: TestHost;
let authority: WebAuthority;
let certificate: WebCertificate;
let coturn: TestCoturn;
let media: UdpSink;

const server = { ip: TURN, port: 3_478 };
/** Coturn's own client, for twenty seconds at the most. */
const uclient = (...flags: readonly string[]) => network.run(client, 'timeout', ['20', ...coturn.uclient, ...flags]);
const fresh = (device: string) => turnCredential(SECRET, device.replaceAll(' ', '-'), Date.now());
const udp = () => Asker.open(network, client, server);
const tls = () => Asker.open(network, client, { ip: TURN, port: 443 }, { ca: authority.certificate, name: NAME });

function siteWith(listenIp: string): Site {
  const text = sampleSite()
    .replaceAll('listenIp: 203.0.113.7', `listenIp: ${SFT}`)
    .replace(
      /^#turn:[\s\S]*/m,
      `turn:\n  hosts: [{ name: ${NAME}, listenIp: "${listenIp}" }]\n  secrets: secrets/turn\n`,
    );
  const { value, mistakes } = readYaml(SiteSchema, text);
  if (!value) throw new Error(mistakes.map(({ message }) => message).join('\n'));
  return value;
}

async function allocated(ip: string, family: 'ipv4' | 'ipv6', credential: ReturnType<typeof fresh>): Promise<Asker> {
  const asker = await Asker.open(network, client, { ip, port: 3_478 });
  expect(await asker.code({ ask: 'allocate', ...credential, family })).toBe(200);
  return asker;
}

/**
 * Each range has to deny its addresses alone: without the lines that deny everything, without what coturn refuses of itself, and
 * without those of the other family, of which it takes the IPv4-mapped one for all of IPv4.
 */
function withDenied(ranges: readonly DeniedRange[]) {
  return (rendered: readonly Directive[]): readonly Directive[] => [
    ...rendered.filter(({ option }) => option !== 'no-multicast-peers' && option !== 'denied-peer-ip'),
    ...rendered.filter(({ value }) => ranges.some(({ from, to }) => value === `${from}-${to}`)),
    { option: 'allow-loopback-peers', reason: 'Only in this test.' },
  ];
}

beforeAll(async () => {
  sft = await network.addHost('sft', SFT);
  turn = await network.addHost('turn', TURN, { also: [TURN6, SECOND, SECOND6] });
  client = await network.addHost('client', '10.2.0.2', { also: [CLIENT6] });
  authority = await WebAuthority.create();
  certificate = await authority.issue([NAME]);
  media = await startUdpSink(network, sft, SFT, MEDIA);
  coturn = await startCoturn(network, turn, siteWith(TURN), NAME, certificate, [SECRET]);
});

afterAll(async () => {
  await coturn?.close();
  await network.close();
});

describe('a device with a credential', () => {
  it.each([
    ['over UDP', udp],
    ['over TLS on port 443', tls],
  ])('sends to the SFT and hears it, %s', async (how, open) => {
    const asker = await open();
    const { relayed } = await asker.allocate(fresh(how));
    expect(relayed.ip).toBe(TURN);
    expect(relayed.port).toBeGreaterThanOrEqual(49_152);
    expect(relayed.port).toBeLessThanOrEqual(50_175);
    const peer = { ip: SFT, port: MEDIA };
    expect(await asker.code({ ask: 'permit', peer })).toBe(200);
    await asker.ask({ ask: 'send', peer, data: how });
    await until(async () => (await asker.heard()).some(({ data }) => data === how), 'the echo');
    // The echo may be here before the SFT's own word that something came.
    await until(() => media.came.some(({ data }) => data === how), 'what the SFT says');
    expect(media.came).toContainEqual({ data: how, ...relayed });
    await asker.ask({ ask: 'close' });
  });

  it('is relayed for by the programs of coturn itself too', async () => {
    const { username, password } = fresh('uclient');
    const flags = ['-u', username, '-w', password, '-e', SFT, '-r', String(MEDIA), '-n', '2', '-c'];
    const said = await uclient(...flags, TURN);
    expect(said).toMatch(/tot_send_msgs=2, tot_recv_msgs=2/);
  });

  it('has twelve relays and no thirteenth, while another one still gets his', async () => {
    const askers = await Promise.all(Array.from({ length: USER_QUOTA + 1 }, udp));
    const credential = fresh('greedy');
    const codes = [];
    for (const asker of askers) codes.push(await asker.code({ ask: 'allocate', ...credential }));
    expect(codes).toEqual([...new Array<number>(USER_QUOTA).fill(200), 486]);
    // A credential of the next hour is of the same device.
    const later = turnCredential(SECRET, 'greedy', Date.now() + 3_600_000);
    expect(later.username).not.toBe(credential.username);
    expect(await (await udp()).code({ ask: 'allocate', ...later })).toBe(486);
    expect(await (await udp()).code({ ask: 'allocate', ...fresh('modest') })).toBe(200);
    for (const asker of askers) await asker.ask({ ask: 'close' });
    await until(
      async () => (await (await udp()).code({ ask: 'allocate', ...credential })) === 200,
      'what was given back',
    );
  });

  it('gets one although the port that it was given still has the relay of whoever had it before', async () => {
    const ports = (range: string) => network.run(client, 'sysctl', ['-qw', `net.ipv4.ip_local_port_range=${range}`]);
    const before = (await network.run(client, 'sysctl', ['-n', 'net.ipv4.ip_local_port_range'])).trim();
    try {
      await ports('50000 50000');
      const gone = await udp();
      await gone.allocate(fresh('gone'));
      await gone.kill();
      const next = await udp();
      await ports('50000 50001');
      const { mapped } = await next.allocate(fresh('next'));
      expect(mapped?.port).toBe(50_001);
      await next.ask({ ask: 'close' });
    } finally {
      await ports(before);
    }
  });

  it('gets no relay of TCP, no DTLS, no console, and no TCP without TLS', async () => {
    const listening = await network.run(turn, 'ss', ['-Hlntu']);
    const sockets = listening
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/));
    const doors = sockets.map(([kind = '', , , , address = '']) => ({ kind, address }));
    const isRelay = ({ kind, address }: { kind: string; address: string }) =>
      kind === 'udp' && Number(address.split(':').at(-1)) >= 49_152;
    expect(new Set(doors.filter((door) => !isRelay(door)).map(({ kind, address }) => `${kind} ${address}`))).toEqual(
      new Set([`udp ${TURN}:3478`, `tcp ${TURN}:443`]),
    );
    const { username, password } = fresh('tcp');
    const flags = ['-T', '-S', '-p', '443', '-u', username, '-w', password, '-e', SFT, '-n', '1', TURN];
    await expect(uclient(...flags)).rejects.toThrow();
  });
});

describe('somebody without a right', () => {
  const past = Math.floor(Date.now() / 1_000) - 60;
  it.each([
    ['a credential that has ended', credentialUntil(SECRET, 'device', past)],
    ['one of another secret', credentialUntil('another-secret-that-is-long-enough', 'device', past + 3_600)],
    ['one whose end was changed', { ...credentialUntil(SECRET, 'device', past), username: `${past + 9_999}:device` }],
    [
      'one whose device was changed',
      { ...credentialUntil(SECRET, 'device', past + 3_600), username: `${past + 3_600}:other` },
    ],
    ['a name without an end', { username: 'device', password: SECRET }],
    ['no password', { username: `${past + 3_600}:device`, password: '' }],
  ])('is refused with %s', async (_what, credential) => {
    expect(await (await udp()).code({ ask: 'allocate', ...credential })).toBe(401);
    expect(await (await tls()).code({ ask: 'allocate', ...credential })).toBe(401);
  });

  it('gets at most two and a half bytes for one, whatever is sent, and as little of a flood', async () => {
    const program = `
      const { createSocket } = require('node:dgram');
      const socket = createSocket('udp4');
      let answered = 0, sent = 0;
      socket.on('message', (answer) => { answered += answer.length + 28; });
      const head = (type, length) => Buffer.from(type + length.toString(16).padStart(4, '0') + '2112a442' + '0'.repeat(24), 'hex');
      const kinds = [
        Buffer.concat([head('0003', 8), Buffer.from('0019000411000000', 'hex')]),
        head('0001', 0),
        head('0004', 0),
        Buffer.concat([head('0008', 12), Buffer.from('00120008000100002112a442', 'hex')]),
      ];
      (async () => {
        for (let i = 0; i < 2000; i++) {
          const bytes = kinds[i % kinds.length];
          sent += bytes.length + 28;
          socket.send(bytes, ${server.port}, '${server.ip}');
          if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 5));
        }
        setTimeout(() => { console.log(JSON.stringify({ sent, answered })); process.exit(); }, 300);
      })();`;
    const { sent, answered } = JSON.parse(await network.run(client, process.execPath, ['-e', program]));
    // With the headers of IP and UDP. Measured with coturn 4.6.1: 2.2.
    expect(answered / sent).toBeLessThan(2.5);
    expect(answered).toBeGreaterThan(0);
    // Others are served meanwhile and after it.
    const asker = await udp();
    await asker.allocate(fresh('after the flood'));
    await asker.ask({ ask: 'close' });
  }, 20_000);
});

describe('no address but the SFT', () => {
  const v4 = DENIED_RANGES.filter(({ from }) => from.includes('.'));
  const v6 = DENIED_RANGES.filter(({ from }) => from.includes(':'));
  /** The first, the second and the last address of a range, as far as they are addresses of hosts. */
  const inside = ({ from, to }: { from: string; to: string }) => [
    from,
    from.replace(/\.0$/, '.1').replace(/::$/, '::1'),
    to,
  ];

  it('of IPv4 is relayed to', async () => {
    const asker = await udp();
    await asker.allocate(fresh('ranges'));
    const others = ['8.8.8.8', TURN, '10.1.0.1', '10.1.0.4', '169.254.169.254', '127.0.0.1', '0.0.0.0'];
    for (const ip of [...new Set([...v4.flatMap(inside), ...others])]) {
      expect([ip, await asker.code({ ask: 'permit', peer: { ip, port: MEDIA } })]).toEqual([ip, 403]);
    }
    await asker.ask({ ask: 'close' });
  });

  it.each([
    ['IPv4', SECOND, 'ipv4', v4, '9.9.9.9'],
    ['IPv6', SECOND6, 'ipv6', v6, '2606:4700::1'],
  ] as const)('in a named range of %s is relayed to, where others are', async (_family, ip, family, ranges, open) => {
    const [site, token] = [siteWith(ip), fresh(`named ranges of ${family}`)];
    const named = ranges.filter((range) => !ALL_ADDRESSES.includes(range));
    const other = await startCoturn(network, turn, site, NAME, certificate, [SECRET], withDenied(named));
    try {
      const asker = await allocated(ip, family, token);
      const codeOf = (peer: string) => asker.code({ ask: 'permit', peer: { ip: peer, port: MEDIA } });
      expect(await codeOf(open)).toBe(200);
      for (const peer of new Set(named.flatMap(inside))) {
        expect([peer, await codeOf(peer)]).toEqual([peer, 403]);
      }
    } finally {
      await other.close();
    }
  });

  it('is reached without a permission', async () => {
    const forbidden = await startUdpSink(network, turn, TURN, 5_353);
    const asker = await udp();
    const allowed = { ip: SFT, port: MEDIA };
    await asker.allocate(fresh('without permission'));
    await asker.ask({ ask: 'send', peer: { ip: TURN, port: 5_353 }, data: 'forbidden' });
    await asker.ask({ ask: 'send', peer: allowed, data: 'not yet permitted' });
    await asker.ask({ ask: 'permit', peer: allowed });
    await asker.ask({ ask: 'send', peer: allowed, data: 'permitted' });
    // What was sent before has long come when this has: it went the same way.
    await until(() => media.came.some(({ data }) => data === 'permitted'), 'what is permitted');
    expect(media.came.some(({ data }) => data === 'not yet permitted')).toBe(false);
    expect(forbidden.came).toEqual([]);
    await asker.ask({ ask: 'close' });
  });

  it('of IPv6 is relayed to, nor IPv4 in the notations of IPv6', async () => {
    const site = siteWith(TURN6);
    const other = await startCoturn(network, turn, site, NAME, certificate, [SECRET]);
    try {
      const asker = await allocated(TURN6, 'ipv6', fresh('v6'));
      const notations = [
        '::ffff:127.0.0.1',
        '::ffff:10.1.0.2',
        '::ffff:8.8.8.8',
        '::127.0.0.1',
        '64:ff9b::7f00:1',
        '2002:7f00:1::',
      ];
      const others = ['2606:4700::1', TURN6, CLIENT6, '::1', '::', 'fe80::1', 'ff02::1', ...notations];
      for (const ip of [...new Set([...v6.flatMap(inside), ...others])]) {
        const code = await asker.code({ ask: 'permit', peer: { ip, port: MEDIA } });
        // 443: an address of another family, which it does not even look at (RFC 8656, section 7.2).
        expect([ip, [403, 443].includes(code)]).toEqual([ip, true]);
      }
    } finally {
      await other.close();
    }
  });
});

it('takes a new secret at once, with the old one beside it, and lets go of the old one', async () => {
  const next = 'the-next-secret-of-the-test-also-long-enough';
  const ofNext = turnCredential(next, 'device-of-next', Date.now());
  expect(await (await udp()).code({ ask: 'allocate', ...ofNext })).toBe(401);
  const running = await udp();
  await running.allocate(fresh('running'));

  writeSecrets(coturn.database, 'alpha.example', [SECRET, next]);
  expect(await (await udp()).code({ ask: 'allocate', ...ofNext })).toBe(200);
  expect(await (await udp()).code({ ask: 'allocate', ...fresh('still') })).toBe(200);

  writeSecrets(coturn.database, 'alpha.example', [next]);
  expect(await (await udp()).code({ ask: 'allocate', ...fresh('too late') })).toBe(401);
  // Whoever is in a call stays in it.
  const peer = { ip: SFT, port: MEDIA };
  expect(await running.code({ ask: 'permit', peer })).toBe(200);
  await running.ask({ ask: 'send', peer, data: 'goes on' });
  await until(() => media.came.some(({ data }) => data === 'goes on'), 'the old relay');
  writeSecrets(coturn.database, 'alpha.example', [SECRET]);
});

it('is asked by `turn rotate --use` whether it takes the new secret', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-rotate-'));
  try {
    const next = 'the-secret-after-that-which-is-long-enough';
    const [config, secrets] = [join(folder, 'hawser.yaml'), join(folder, 'turn')];
    // The address stands in the place of the name, which nobody looks up here.
    const section = `turn:\n  hosts: [{ name: ${TURN}, listenIp: ${TURN} }]\n  secrets: turn\n`;
    await writeFile(config, sampleSite().replace(/^#turn:[\s\S]*/m, section));
    await writeFile(secrets, `${SECRET}\nnext ${next}\n`, { mode: 0o600 });
    const node = ['--disable-warning=ExperimentalWarning', MAIN];
    const use = () => network.run(client, process.execPath, [...node, 'turn', 'rotate', '--use', '--config', config]);

    await expect(use()).rejects.toThrow(
      `${TURN} would refuse what the homeserver signs: it does not know the new secret. Nothing was changed.`,
    );
    expect(await readFile(secrets, 'utf8')).toBe(`${SECRET}\nnext ${next}\n`);
    writeSecrets(coturn.database, 'alpha.example', [SECRET, next]);
    expect(await use()).toContain('The homeserver signs with the new secret from now on.');
    expect(await readFile(secrets, 'utf8')).toBe(`${next}\nold ${SECRET}\n`);
  } finally {
    writeSecrets(coturn.database, 'alpha.example', [SECRET]);
    await rm(folder, { recursive: true, force: true });
  }
});

it('shows a renewed certificate when it is told of it, and relays on meanwhile', async () => {
  const shown = () =>
    network.run(client, 'sh', ['-c', `openssl s_client -connect ${TURN}:443 -servername ${NAME} </dev/null 2>&1`]);
  const running = await tls();
  await running.allocate(fresh('through a renewal'));
  expect(await shown()).toContain(`subject=CN = ${NAME}`);
  await coturn.renew(await authority.issue([`renewed.${NAME}`, NAME]));
  await until(async () => (await shown()).includes(`subject=CN = renewed.${NAME}`), 'the new certificate');
  const peer = { ip: SFT, port: MEDIA };
  expect(await running.code({ ask: 'permit', peer })).toBe(200);
  await running.ask({ ask: 'send', peer, data: 'through a renewal' });
  await until(() => media.came.some(({ data }) => data === 'through a renewal'), 'the relay of before');
  await running.ask({ ask: 'close' });
});

it('runs with what `turn check` finds nothing wrong with', async () => {
  const site = siteWith(TURN);
  const text = await readFile(coturn.file, 'utf8');
  const [host] = site.turn?.hosts ?? [];
  if (!site.turn || !host) throw new Error('no TURN host');
  const used = { ...site.turn, ...pathsIn(text) };
  expect(checkCoturn(text, coturnDirectives(site, used, host))).toEqual([]);
});

function pathsIn(text: string) {
  const value = (option: string) => new RegExp(`^${option}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  return { certificate: value('cert'), key: value('pkey'), database: value('userdb') };
}
