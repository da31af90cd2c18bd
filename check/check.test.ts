/** One mistake after the other in a right site: each is found at its place, and nothing else is. */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { type CheckOptions, checkSite } from './check.ts';
import type { Finding } from './finding.ts';
import type { Machine } from './machine.ts';
import { HAWSER_YAML, MACHINE, makeTestSite, PEERS_YAML, type TestSite, TURN_YAML } from './testing.ts';
import { makeMistakes, mistakesOf } from './testing-mistakes.ts';

const folder = temporaryFolder();
let site: TestSite;

beforeAll(async () => {
  site = await makeTestSite(folder);
  await makeMistakes(site);
});

beforeEach(() => writeFile(join(folder, 'peers.yaml'), PEERS_YAML));

async function check(text: string, machine: Partial<Machine> = {}, options: CheckOptions = {}) {
  await writeFile(site.path, text);
  return checkSite(site.path, { machine: { ...MACHINE, ...machine }, ...options });
}

/** `14:5 error The sentence`, as short as what is expected. */
function expectFindings(found: readonly Finding[], ...expected: readonly string[]): void {
  const lines = found.map(
    ({ line, column, severity, reason }) => `${line}:${column} ${severity} ${reason.replaceAll(`${folder}/`, '')}`,
  );
  expect(lines.map((line, i) => line.slice(0, expected[i]?.length))).toEqual(expected);
  expectWhole(found);
}

/** Whatever is found has a place, a reason, and something to do. */
function expectWhole(found: readonly Finding[]): void {
  for (const { file, line, column, reason, remedy } of found) {
    expect(file.startsWith(folder)).toBe(true);
    expect(Math.min(line, column)).toBeGreaterThan(0);
    expect(reason).toMatch(/^[^\n]{10,}$/);
    expect(remedy).toMatch(/^[A-Z][^\n]{10,}$/);
  }
}

it('finds nothing in a right site, whatever editor wrote it', async () => {
  const texts = [HAWSER_YAML, `\ufeff${HAWSER_YAML}`, HAWSER_YAML.replaceAll('\n', '\r\n'), `---\n${HAWSER_YAML}`];
  for (const text of texts) expect(await check(text)).toEqual([]);
});

describe('finds in hawser.yaml', () => {
  it.each(mistakesOf(SITE()))('$what', async ({ spoil, expected }) => {
    expectFindings(await check(spoil(HAWSER_YAML)), ...expected);
  });

  it.each([
    ['past', 'TRUST_EXPIRED'],
    ['early', 'TRUST_NOT_YET_VALID'],
    ['revoked', 'TRUST_REVOKED'],
    ['soon', undefined],
  ])('with which code others refuse a certificate: %s', async (made, code) => {
    const [found] = await check(HAWSER_YAML.replaceAll('alpha.example/homeserver.', `made/${made}.`));
    expect(found?.severity).toBe('warning');
    expect(found?.code).toBe(code);
  });

  it('nothing but that it is empty, or no text', async () => {
    expectFindings(await check(''), '1:1 error The file is empty.');
    expectFindings(await check('# later\n'), '1:1 error The file is empty.');
    await writeFile(site.path, Buffer.from(`\ufeff${HAWSER_YAML}`, 'utf16le'));
    expectFindings(await checkSite(site.path, { machine: MACHINE }), '1:1 error The file is not text in UTF-8.');
    const nowhere = await checkSite(join(folder, 'nowhere.yaml'), { machine: MACHINE });
    expectFindings(nowhere, '1:1 error There is no such file.');
  });

  it('no key that somebody pasted, and no word of it', async () => {
    const key = 'key: |\n      -----BEGIN PRIVATE KEY-----\n      c2VjcmV0\n      -----END PRIVATE KEY-----';
    const found = await check(HAWSER_YAML.replace('key: alpha.example/sft.key', key));
    expectFindings(found, '12:10 error certificates.sft.key: this is the path of a file, not its content.');
    expect(JSON.stringify(found)).not.toContain('c2VjcmV0');
  });
});

describe('finds in the section turn', () => {
  const WITH_TURN = `${HAWSER_YAML}${TURN_YAML}`;
  it('nothing where it is right, on a host of its own or on this one', async () => {
    expect(await check(WITH_TURN)).toEqual([]);
    const here = WITH_TURN.replace('198.20.0.8', '198.20.0.7').replace('tlsPort: 443', 'tlsPort: 5349');
    expect(await check(here, { reserved: [{ from: 32_768, to: 60_999 }] })).toEqual([]);
  });

  it.each(mistakesOf(TURN()))('$what', async ({ spoil, expected }) => {
    expectFindings(await check(spoil(WITH_TURN)), ...expected);
  });

  it('relay ports that this machine gives away, with all that must be kept free', async () => {
    const here = WITH_TURN.replace('198.20.0.8', '198.20.0.7').replace('tlsPort: 443', 'tlsPort: 5349');
    const [finding, ...others] = await check(here);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      path: 'turn.ports.from',
      reason: expect.stringContaining('ports 50000 to 50999 lie in 32768 to 60999'),
      remedy:
        'Keep them free: write the line net.ipv4.ip_local_reserved_ports = 40000-41999,50000-50999 into /etc/sysctl.d/60-hawser.conf, and run as root: sysctl --system',
    });
  });

  it('relay ports that this machine gives away, and keeps what others have reserved', async () => {
    const here = WITH_TURN.replace('198.20.0.8', '198.20.0.7').replace('tlsPort: 443', 'tlsPort: 5349');
    const reserved = [
      { from: 50_500, to: 51_500 },
      { from: 8_080, to: 8_080 },
      { from: 40_001, to: 40_999 },
    ];
    for (const { remedy } of await check(here, { reserved })) {
      expect(remedy).toContain(' = 8080,40000-41199,50000-51500 into /etc/sysctl.d/');
    }
    // What two others keep together is kept.
    const two = [
      { from: 40_000, to: 41_100 },
      { from: 41_101, to: 60_999 },
    ];
    expect(await check(here, { reserved: two })).toEqual([]);
  });

  it('a page on every address that takes the port of coturn on a second one', async () => {
    const page = WITH_TURN.replaceAll('0.0.0.0:8443', '0.0.0.0:443').replaceAll(':8443', '');
    const of = (address: string) => check(page, { addresses: [...MACHINE.addresses, address] });
    expectFindings(
      await of('198.20.0.8'),
      '23:13 warning homeserver.client.listen: ports below 1024 need a right',
      '58:12 warning turn.tlsPort: it takes TCP port 443, which homeserver.client.listen takes too, of every address',
      '60:18 warning turn.ports.from: ports 50000 to 50999',
    );
    expectFindings(await of('198.20.0.9'), '23:13 warning homeserver.client.listen: ports below 1024 need a right');
  });

  it('media on every address that takes the ports of coturn on a second one', async () => {
    const media = WITH_TURN.replace('listenIp: 198.20.0.7', "listenIp: '0::0'\n    announcedIp: 198.20.0.7")
      .replace('from: 50000', 'from: 40001')
      .replace('tlsPort: 443', 'tlsPort: 8548');
    const addresses = [...MACHINE.addresses, '198.20.0.8'];
    expectFindings(
      await check(media, { addresses, outgoing: undefined }),
      '59:12 warning turn.tlsPort: it takes TCP port 8548, which sft.link.listen takes too, of every address of this',
      '61:18 warning turn.ports: it takes UDP port 40001 to 50999, which sft.media.port takes too, of every address',
    );
    expect(await check(media, { outgoing: undefined })).toEqual([]);
  });

  it('nothing that concerns the SFT alone', async () => {
    const spoilt = WITH_TURN.replace('turn.secrets', 'made/short.secrets').replace('198.20.0.8', '10.0.0.8');
    expect(await check(spoilt, {}, { parts: ['sft'] })).toEqual([]);
  });
});

it.each(mistakesOf(PEERS()))('finds in peers.yaml $what', async ({ spoil, expected }) => {
  await writeFile(join(folder, 'peers.yaml'), spoil(PEERS_YAML));
  expectFindings(await check(HAWSER_YAML), ...expected);
});

describe('looks at the machine', () => {
  it('that forces a reboot before the last call may have ended', async () => {
    const draining = (minutes: number) => HAWSER_YAML.replace('  media:\n', `  drainMinutes: ${minutes}\n  media:\n`);
    expect(await check(draining(28))).toEqual([]);
    expectFindings(await check(draining(29)), '47:17 warning sft.drainMinutes: systemd forces a reboot');
    expect(await check(draining(29), { hasSystemd: false })).toEqual([]);
  });

  it.each<[what: string, machine: Partial<Machine>, ...expected: string[]]>([
    [
      'that grants small buffers',
      { receiveBuffer: 212_992 },
      '50:11 warning sft.media.port: this machine grants receive buffers of 212992 bytes',
    ],
    [
      'that gives media ports away',
      { reserved: [{ from: 40_000, to: 40_000 }] },
      '50:11 warning sft.media.port: ports 40000 to 40001 lie in 32768 to 60999',
      '54:13 warning sft.trunk.ports.from: ports 41000 to 41199 lie in 32768 to 60999',
    ],
    [
      'on which everybody may listen on few ports',
      { firstFreePort: 8_445 },
      '23:13 warning homeserver.client.listen: ports below 8445',
    ],
    [
      'of which little is known',
      { addresses: [], outgoing: undefined, receiveBuffer: undefined, firstFreePort: undefined, uid: undefined },
    ],
  ])('%s', async (_what, machine, ...expected) => {
    expectFindings(await check(HAWSER_YAML, machine), ...expected);
  });

  it('and at who may change its files', async () => {
    await writeFile(site.path, HAWSER_YAML);
    await chmod(site.path, 0o666);
    expectFindings(
      await checkSite(site.path, { machine: MACHINE }),
      '1:1 warning The file: everybody on this machine may change',
    );
    await chmod(site.path, 0o644);
    await chmod(join(folder, 'peers.yaml'), 0o666);
    expectFindings(await check(HAWSER_YAML), '3:8 warning peers: everybody on this machine may change peers.yaml.');
    await chmod(join(folder, 'peers.yaml'), 0o644);
  });
});

it('looks only at what the servers of this machine need', async () => {
  const spoilt = HAWSER_YAML.replace('alpha.example/homeserver.key', 'nowhere.key').replace(
    'port: 40000',
    'port: 8548',
  );
  expectFindings(
    await check(spoilt, {}, { parts: ['homeserver'] }),
    '9:10 error certificates.homeserver.key: there is no file',
  );
  expectFindings(await check(spoilt, {}, { parts: ['sft'] }), '50:11 error sft.media.port takes TCP and UDP port 8548');
});

it('lets a trial on one machine be, and a laboratory', async () => {
  const local = HAWSER_YAML.replaceAll('198.20.0.7', '127.0.0.1').replaceAll(/\w+\.alpha\.example:/g, 'localhost:');
  const tls = /^ +tls:\n.*\n.*\n/gm;
  const plain = local
    .replaceAll(tls, '')
    .replaceAll('https://', 'http://')
    .replace('wss://localhost:8543', 'ws://localhost:8543');
  await writeFile(join(folder, 'peers.yaml'), PEERS_YAML.replace('198.21.0.0/24', '127.0.0.0/8'));
  expect(await check(plain)).toEqual([]);
  await writeFile(join(folder, 'peers.yaml'), PEERS_YAML);
  const laboratory = HAWSER_YAML.replaceAll('198.20.0.7', '203.0.113.7');
  expect(await check(laboratory, { addresses: ['203.0.113.7'] })).toEqual([]);
});

it('says nothing of an allow list that is not there, which allows nobody', async () => {
  await rm(join(folder, 'peers.yaml'));
  expect(await check(HAWSER_YAML)).toEqual([]);
  await mkdir(join(folder, 'peers.yaml'));
  expectFindings(await check(HAWSER_YAML), '1:1 error The file cannot be read (EISDIR).');
  await rm(join(folder, 'peers.yaml'), { recursive: true });
});

describe('whatever the files hold', () => {
  const spoilt = (text: string) =>
    fc
      .tuple(
        fc.nat(text.length),
        fc.nat(40),
        fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('\t', ': ', '- ', '0', '[', '\n  ')),
      )
      .map(([at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut));

  it.each([
    ['hawser.yaml', HAWSER_YAML],
    ['peers.yaml', PEERS_YAML],
  ])('each finding in %s has a place and something to do', async (name, text) => {
    await writeFile(site.path, HAWSER_YAML);
    const property = fc.asyncProperty(spoilt(text), async (spoiltText) => {
      await writeFile(join(folder, name), spoiltText);
      const found = await checkSite(site.path, { machine: MACHINE });
      expectWhole(found);
    });
    await fc.assert(property, { numRuns: 50 });
  });
});

/** What, how a right file is spoilt, and what is found: see `mistakesOf`. */
function SITE(): string {
  return `
tabs |   client:↵    listen: 0.0.0.0:8443 → ⇥client:↵⇥⇥listen: 0.0.0.0:8443 | 22:1 error Tabs are not allowed as indentation. & 23:1 error Tabs are not allowed as indentation.
a key twice |     port: 40000 →     port: 40000↵    port: 40002 | 51:5 error Map keys must be unique.
a section that is not indented |   link:↵ → link:↵ | 44:1 error All mapping items must start at the same column. & 46:1 error All mapping items must start at the same column. & 46:3 error Map keys must be unique. & 47:1 error All mapping items must start at the same column. & 51:1 error All mapping items must start at the same column.
a quote that does not end | domain: alpha.example → domain: "alpha.example | 56:1 error Missing closing "quote.
two documents | homeserver:↵  client: → ---↵homeserver:↵  client: | 21:1 error Source contains multiple documents; please use YAML.parseAllDocuments().
a misspelt key |     workers: 2 →     worker: 2 | 48:5 error There is no option "worker" in sft.media. Did you mean workers?
an unknown key |     workers: 2 →     turbo: yes | 48:5 error There is no option "turbo" in sft.media. Known here: workers, listenIp, announcedIp,
a text for a number |     port: 40000 →     port: forty | 50:11 error sft.media.port must be a port, 1 to 65535, not "forty".
a number for a text | peers: peers.yaml → peers: 5 | 3:8 error peers must be the path of a file, counted from the folder of this file, not 5.
a value for a section |     ports:↵      from: 41000↵      to: 41199 →     ports: 41000-41199 | 53:12 error sft.trunk.ports must have options below it: from, to.
nothing after the colon | data: data → data: | 2:6 error data has no value. It must be the path of a file, counted from the folder of this file.
a key that is missing |   homeserver: wss://hs.alpha.example:8448/sft/v1↵ →  | 34:3 error sft.homeserver is missing: The federation door of this domain's homeserver, as the SFT
a domain in capitals | domain: alpha.example → domain: Alpha.Example | 1:9 error domain must be a DNS name in lower case, such as alpha.example, not "Alpha.Example".
a domain with the name of an SFT | domain: alpha.example → domain: sft.alpha.example | 1:9 error domain: a domain cannot begin with sft., which is the name of the SFT of another one. & 8:18 error certificates.homeserver.certificate: it is for alpha.example, and the homeserver needs & 11:18 error certificates.sft.certificate: it is for sft.alpha.example, and the SFT needs one for & 24:10 warning homeserver.client.url: call.alpha.example does not lie below sft.alpha.example: people
~ in a path | data: data → data: ~/hawser | 2:7 error data: ~ and variables are not replaced here.
a variable in a path | key: alpha.example/sft.key → key: \${HOME}/sft.key | 12:10 error certificates.sft.key: ~ and variables are not replaced here.
a file that is not there | alpha.example/tickets.key → tickets.key | 14:17 error certificates.tickets.privateKey: there is no file tickets.key.
a folder for a file | alpha.example/tickets.key → alpha.example | 14:17 error certificates.tickets.privateKey: alpha.example is not a file.
a list for a path | data: data → data: [data] | 2:7 error data must be the path of a file, counted from the folder of this file, not a list or a
one port for two doors | 0.0.0.0:8448 → 0.0.0.0:8443 | 29:13 error homeserver.federation.listen takes TCP port 8443, which homeserver.client.listen takes & 30:14 warning homeserver.federation.address: it leads to port 8448, and homeserver.federation.listen
one port on every address and on one | 127.0.0.1:8450 → 127.0.0.1:8443 | 32:13 error homeserver.admin.listen takes TCP port 8443, which homeserver.client.listen takes too.
one port on every address of both kinds | listen: 127.0.0.1:8450 → listen: '[::]:8443' | 32:13 error homeserver.admin.listen takes TCP port 8443, which homeserver.client.listen takes too. & 32:13 warning homeserver.admin.listen: nobody signs in there, and whoever reaches :: from outside
one port on every address in two spellings | listen: 127.0.0.1:8450 → listen: '[0::0]:8443' | 32:13 error homeserver.admin.listen takes TCP port 8443, which homeserver.client.listen takes too. & 32:13 warning homeserver.admin.listen: nobody signs in there, and whoever reaches 0::0 from
one port on an address of IPv4 written as IPv6 | listen: 127.0.0.1:8450 → listen: '[::ffff:7f00:1]:8550' | 45:13 error sft.admin.listen takes TCP port 8550, which homeserver.admin.listen takes too.
one port on an address in two spellings | 127.0.0.1:8450 → '[::1]:8550' ; listen: 127.0.0.1:8550 → listen: '[0:0::1]:8550' | 45:13 error sft.admin.listen takes TCP port 8550, which homeserver.admin.listen takes too.
media ports that reach into those of trunks |     port: 40000 →     port: 40999 | 54:13 error sft.trunk.ports takes UDP port 41000 to 41199, which sft.media.port takes too.
trunk ports that begin within those of media | from: 41000 → from: 40001 | 54:13 error sft.trunk.ports takes UDP port 40001 to 41199, which sft.media.port takes too.
trunk ports that end within those of media | from: 41000 → from: 39000 ; to: 41199 → to: 40000 | 54:13 warning sft.trunk.ports.from: ports 39000 to 40000 lie in 32768 to 60999, which this machine & 55:11 error sft.trunk.ports takes UDP port 39000 to 40000, which sft.media.port takes too.
a media port that is a door |     port: 40000 →     port: 8547 | 50:11 error sft.media.port takes TCP and UDP port 8547 to 8548, which sft.link.listen takes too.
ports above the last |     port: 40000 →     port: 65535 | 50:11 error sft.media.port: the ports 65535 to 65536 end above 65535.
ports that end before they begin | to: 41199 → to: 40999 | 55:11 error sft.trunk.ports: the last port is below the first.
port 0 | 0.0.0.0:8443 → 0.0.0.0:0 ; call.alpha.example:8443 → call.alpha.example | 23:13 error homeserver.client.listen: the port must be 1 to 65535.
fewer trunk ports than workers take | to: 41199 → to: 41009 | 55:11 warning sft.trunk.ports.to: 10 ports are fewer than 2 workers here and 2 domains with as many
an address that is none | listen: 127.0.0.1:8550 → listen: 127.0.0.500:8550 | 45:13 error sft.admin.listen: 127.0.0.500 is not an IP address.
a door of the administrator for all | 127.0.0.1:8450 → 0.0.0.0:8450 | 32:13 warning homeserver.admin.listen: nobody signs in there, and whoever reaches 0.0.0.0 from
a door of the monitoring on a public address | 127.0.0.1:8550 → 198.20.0.7:8550 | 45:13 warning sft.admin.listen: nobody signs in there, and whoever reaches 198.20.0.7 from outside
a private address for media |     workers: 2↵    listenIp: 198.20.0.7 →     workers: 2↵    listenIp: 10.0.0.7 | 49:15 warning sft.media.listenIp: 10.0.0.7 is a private address (RFC 1918, RFC 4193): clients
an address behind a provider |     port: 40000 →     announcedIp: 100.64.9.9 | 50:18 warning sft.media.announcedIp: 100.64.9.9 is an address behind the address translation of a
a link-local address |     port: 40000 →     announcedIp: 169.254.1.1 | 50:18 warning sft.media.announcedIp: 169.254.1.1 is an address inside one network segment (RFC 3927,
an address of examples |     port: 40000 →     announcedIp: 203.0.113.7 | 50:18 warning sft.media.announcedIp: 203.0.113.7 is an address that is kept for examples (RFC 5737,
a private address of IPv6 |     port: 40000 →     announcedIp: 'fd00::7' ;     workers: 2↵    listenIp: 198.20.0.7 →     workers: 2↵    listenIp: '::' | 50:18 warning sft.media.announcedIp: fd00::7 is a private address (RFC 1918, RFC 4193): clients
an announced loopback |     port: 40000 →     announcedIp: 127.0.0.1 | 50:18 error sft.media.announcedIp: 127.0.0.1 is an address of this machine alone: no packet of
an announced address that is none |     port: 40000 →     announcedIp: 0.0.0.0 | 50:18 error sft.media.announcedIp: 0.0.0.0 is no single address: no packet of clients comes here.
an address of laboratories |     port: 40000 →     announcedIp: 198.18.0.1 | 50:18 warning sft.media.announcedIp: 198.18.0.1 is an address for special purposes
an address that nobody has |     port: 40000 →     announcedIp: 255.255.255.255 | 50:18 error sft.media.announcedIp: 255.255.255.255 is an address that is given to nobody:
an announced group |     port: 40000 →     announcedIp: 239.1.1.1 | 50:18 error sft.media.announcedIp: 239.1.1.1 is an address of groups of machines: no packet of
every address without the one that others reach |     workers: 2↵    listenIp: 198.20.0.7 →     workers: 2↵    listenIp: 0.0.0.0 | 49:15 error sft.media.listenIp is every address; say in sft.media.announcedIp which one others
every address in another spelling without the one that others reach |     workers: 2↵    listenIp: 198.20.0.7 →     workers: 2↵    listenIp: '0::0' | 49:15 error sft.media.listenIp is every address; say in sft.media.announcedIp which one others
media on loopback |     workers: 2↵    listenIp: 198.20.0.7 →     workers: 2↵    listenIp: 127.0.0.1 | 49:15 warning sft.media.listenIp: 127.0.0.1 is an address of this machine alone: clients on other
IPv6 announced, IPv4 taken |     port: 40000 →     announcedIp: '2606:1::7' | 50:18 error sft.media.announcedIp: it is IPv6, and sft.media.listenIp takes IPv4 alone.
an address of another machine |     workers: 2↵    listenIp: 198.20.0.7 →     workers: 2↵    listenIp: 198.20.0.8 | 49:15 warning sft.media.listenIp: this machine has no address 198.20.0.8, so that the server will
a door at an address of another machine | 0.0.0.0:8548 → 198.20.0.9:8548 | 42:13 warning sft.link.listen: this machine has no address 198.20.0.9, so that the server will not
plain RTP for people |     port: 40000 →     entrance: plain | 50:15 error sft.media.entrance: plain RTP is for load tests with sft.media.listenIp on loopback.
no https | url: https://call.alpha.example:8443 → url: http://call.alpha.example:8443 ; origins: [https://call.alpha.example:8443] → origins: [http://call.alpha.example:8443] | 24:10 error homeserver.client.url: without https browsers give no camera and no microphone, except & 40:15 error sft.client.origins.1: without https browsers give no camera and no microphone, except on
an address for a page | url: https://call.alpha.example:8443 → url: https://198.20.0.7:8443 ; [https://call.alpha.example:8443] → [https://198.20.0.7:8443] | 24:10 warning homeserver.client.url: no authority that browsers know certifies the address & 26:20 warning homeserver.client.tls.certificate: it is for call.alpha.example, sft.alpha.example,
a private address for other domains | address: hs.alpha.example:8448 → address: 10.0.0.7:8448 | 30:14 warning homeserver.federation.address: 10.0.0.7 is a private address (RFC 1918, RFC 4193):
a URL with another port than the door | url: wss://sft.alpha.example:8548/link/v1 → url: wss://sft.alpha.example/link/v1 | 43:10 warning sft.link.url: it leads to port 443, and sft.link.listen is port 8548.
a page at another port than the door | https://call.alpha.example:8443 → https://call.alpha.example | 24:10 warning homeserver.client.url: it leads to port 443, and homeserver.client.listen is port
a URL with another path | 8543/client/v1 → 8543/client | 36:10 error sft.client.url must be a URL such as wss://sft.alpha.example:8543/client/v1, not
TLS that nobody speaks |     url: wss://sft.alpha.example:8543/client/v1↵    tls:↵      certificate: browsers/fullchain.pem↵      key: browsers/privkey.pem →     url: wss://sft.alpha.example:8543/client/v1 | 36:10 warning sft.client.url: whoever comes to port 8543 speaks TLS, which sft.client.listen does
a page of another domain | call.alpha.example → call.omega.example | 24:10 warning homeserver.client.url: call.omega.example does not lie below alpha.example: people see & 26:20 warning homeserver.client.tls.certificate: it is for call.alpha.example, sft.alpha.example,
a host with empty labels | address: hs.alpha.example:8448 → address: hs..example:8448 | 30:14 error homeserver.federation.address: hs..example is no name that DNS knows.
a host of the own network | address: hs.alpha.example:8448 → address: hs:8448 | 30:14 warning homeserver.federation.address: others do not find hs, a name of your own network.
an origin that is not that of the page | [https://call.alpha.example:8443] → [https://call.alpha.example] | 40:14 error sft.client.origins: the page of homeserver.client.url, https://call.alpha.example:8443,
an origin as no browser says it | [https://call.alpha.example:8443] → [https://call.alpha.example:8443, https://www.alpha.example:443] | 40:48 warning sft.client.origins.2: browsers say https://www.alpha.example, and so nobody comes from
an SFT that looks elsewhere for its homeserver | wss://hs.alpha.example:8448 → wss://hs.alpha.example:8443 | 46:15 warning sft.homeserver: it leads to port 8443, where no door of the homeserver is: that for
a key for a certificate | certificate: alpha.example/sft.pem → certificate: alpha.example/sft.key | 11:18 error certificates.sft.certificate: there is a private key in it, where a certificate must be.
key and certificate swapped | certificate: alpha.example/sft.pem↵    key: alpha.example/sft.key → certificate: alpha.example/sft.key↵    key: alpha.example/sft.pem | 11:18 error certificates.sft.certificate: there is a private key in it, where a certificate must be. & 12:10 error certificates.sft.key: everybody on this machine may use the key alpha.example/sft.pem. & 12:10 error certificates.sft.key: there is a certificate in it, where a private key must be.
an empty file | alpha.example/sft.pem → made/empty.pem | 11:18 error certificates.sft.certificate: the file is empty, where a certificate must be.
a binary file | alpha.example/sft.pem → made/binary.pem | 11:18 error certificates.sft.certificate: there is no PEM text in it, where a certificate must be.
a damaged certificate | alpha.example/sft.pem → made/damaged.pem | 11:18 error certificates.sft.certificate: the certificate in it is damaged.
a key with a password | alpha.example/sft.key → made/locked.key | 12:10 error certificates.sft.key: the private key in it is encrypted with a password, which a server
a key of another certificate | key: alpha.example/sft.key → key: alpha.example/homeserver.key | 12:10 error certificates.sft.key: this key does not belong to the certificate alpha.example/sft.pem. & 12:10 warning certificates.sft.key: homeserver and SFT have the same key: whoever breaks into one of
certificates of the two servers swapped | alpha.example/sft. → alpha.example/X. ; alpha.example/homeserver. → alpha.example/sft. ; alpha.example/X. → alpha.example/homeserver. | 8:18 error certificates.homeserver.certificate: it is for sft.alpha.example, and the homeserver & 11:18 error certificates.sft.certificate: it is for alpha.example, and the SFT needs one for
a certificate for two names | alpha.example/homeserver. → made/two. | 8:18 error certificates.homeserver.certificate: it is for alpha.example, www.alpha.example, and the
a certificate of another authority | alpha.example/homeserver. → made/stranger. | 8:18 error certificates.homeserver.certificate: the authority alpha.example/authority.pem did not
a certificate signed by itself | alpha.example/homeserver. → made/self. | 8:18 error certificates.homeserver.certificate: the authority alpha.example/authority.pem did not
a certificate that ended | alpha.example/homeserver. → made/past. | 8:18 warning certificates.homeserver.certificate: the certificate of the homeserver ended on
a certificate that begins later | alpha.example/homeserver. → made/early. | 8:18 warning certificates.homeserver.certificate: the certificate of the homeserver is good from
a certificate that ends soon | alpha.example/homeserver. → made/soon. | 8:18 warning certificates.homeserver.certificate: the certificate of the homeserver ends on
a certificate that was taken back | alpha.example/homeserver. → made/revoked. | 8:18 warning certificates.homeserver.certificate: it is revoked: every other domain refuses it.
an authority in the place of a server | alpha.example/homeserver. → alpha.example/authority. | 8:18 error certificates.homeserver.certificate: this is the certificate of an authority, where that
a server in the place of the authority | authority: alpha.example/authority.pem → authority: alpha.example/sft.pem | 5:14 error certificates.authority: it is the certificate of a server, not of an authority.
another authority | authority: alpha.example/authority.pem → authority: beta.example/authority.pem ;   revocationList: alpha.example/revoked.pem↵ →  | 7:18 error certificates.homeserver.certificate: the authority beta.example/authority.pem did not & 10:18 error certificates.sft.certificate: the authority beta.example/authority.pem did not issue it. & 3:14 warning beta.example: this is the authority of your own domain, and so the servers of
an authority that ended | authority: alpha.example/authority.pem → authority: made/old-authority.pem ;   revocationList: alpha.example/revoked.pem↵ →  | 5:14 warning certificates.authority: the authority ended on & 7:18 error certificates.homeserver.certificate: the authority made/old-authority.pem did not issue & 10:18 error certificates.sft.certificate: the authority made/old-authority.pem did not issue it.
an old revocation list | alpha.example/revoked.pem → made/old-list.pem | 6:19 warning certificates.revocationList: a newer list was promised for
a revocation list of somebody else | alpha.example/revoked.pem → beta.example/revoked.pem | 6:19 error certificates.revocationList: the authority of this domain did not sign it.
a certificate for a revocation list | alpha.example/revoked.pem → alpha.example/authority.pem | 6:19 error certificates.revocationList: there is a certificate in it, where a revocation list must
halves of two keys of tickets | alpha.example/tickets.pem → made/tickets.pem | 15:16 error certificates.tickets.publicKey: it is not the public half of
a key of another kind for tickets | alpha.example/tickets.pem → made/rsa.pem | 15:16 error certificates.tickets.publicKey: it is a key of the kind rsa, and tickets are signed with
the halves of the key of tickets swapped | privateKey: alpha.example/tickets.key → privateKey: alpha.example/tickets.pem | 14:17 error certificates.tickets.privateKey: everybody on this machine may use the key & 14:17 error certificates.tickets.privateKey: there is a public key in it, where a private key must
the root of devices of somebody else | alpha.example/devices-root.pem → beta.example/devices-root.pem | 19:18 error certificates.devices.certificate: no certificate of beta.example/devices-root.pem issued
a server in the place of what certifies devices | alpha.example/devices.pem → alpha.example/sft.pem | 19:18 error certificates.devices.certificate: this certificate may certify nobody, where that of an
another key of devices | alpha.example/devices.key → alpha.example/sft.key | 20:10 error certificates.devices.key: this key does not belong to the certificate
the revocation list of the servers for that of devices | alpha.example/devices-root-revoked.pem → alpha.example/revoked.pem | 18:21 error certificates.devices.revocationList: the root of devices did not sign it.
a page shown with the name of another | https://call.alpha.example:8443 → https://meet.alpha.example:8443 | 26:20 warning homeserver.client.tls.certificate: it is for call.alpha.example, sft.alpha.example,
a page with a certificate that ended | browsers/fullchain.pem → made/page-past.pem ; browsers/privkey.pem → made/page-past.key | 26:20 warning homeserver.client.tls.certificate: the certificate for browsers ended on & 38:20 warning sft.client.tls.certificate: the certificate for browsers ended on
a page with a certificate signed by itself | browsers/fullchain.pem → made/page-self.pem ; browsers/privkey.pem → made/page-self.key | 26:20 warning homeserver.client.tls.certificate: it is signed by itself: browsers believe it on no & 38:20 warning sft.client.tls.certificate: it is signed by itself: browsers believe it on no machine
a page without the certificate of its issuer | browsers/fullchain.pem → made/leaf.pem ; browsers/privkey.pem → made/leaf.key | 26:20 warning homeserver.client.tls.certificate: the certificate of its issuer is missing: & 38:20 warning sft.client.tls.certificate: the certificate of its issuer is missing:
a key that TLS refuses | browsers/fullchain.pem → made/short.pem ; browsers/privkey.pem → made/short.key | 26:20 error homeserver.client.tls.certificate: TLS refuses the certificate. & 38:20 error sft.client.tls.certificate: TLS refuses the certificate.
a proxy that is no prefix |     url: https://call.alpha.example:8443 →     url: https://call.alpha.example:8443↵    proxies: [10.0.0.0/33] | 25:15 error homeserver.client.proxies.1: 10.0.0.0/33 is not an address prefix.
a proxy by its name |     url: https://call.alpha.example:8443 →     url: https://call.alpha.example:8443↵    proxies: [proxy.alpha.example] | 25:15 error homeserver.client.proxies.1 must be an address prefix
everybody as a proxy |     url: https://call.alpha.example:8443 →     url: https://call.alpha.example:8443↵    proxies: [127.0.0.1, 0.0.0.0/0] | 25:26 error homeserver.client.proxies.2: 0.0.0.0/0 is the whole internet: whoever comes could
everybody as a proxy, in two halves |     url: https://call.alpha.example:8443 →     url: https://call.alpha.example:8443↵    proxies: [0.0.0.0/1, 128.0.0.0/1] | 25:14 error homeserver.client.proxies: these are a large part of the internet: whoever comes from there could
everybody as a proxy, by IPv6 |     url: https://call.alpha.example:8443 →     url: https://call.alpha.example:8443↵    proxies: ["::/0"] | 25:15 error homeserver.client.proxies.1: ::/0 is the whole internet
everybody as a proxy, IPv4 written as IPv6 |     url: https://call.alpha.example:8443 →     url: https://call.alpha.example:8443↵    proxies: ["::ffff:0:0/96"] | 25:15 error homeserver.client.proxies.1: ::ffff:0:0/96 is the whole internet
a page with another key | key: browsers/privkey.pem → key: made/soon.key | 27:12 error homeserver.client.tls.key: this key does not belong to the certificate & 39:12 error sft.client.tls.key: this key does not belong to the certificate browsers/fullchain.pem.
one key for both servers | alpha.example/homeserver.key → alpha.example/sft.key | 9:10 error certificates.homeserver.key: this key does not belong to the certificate & 12:10 warning certificates.sft.key: homeserver and SFT have the same key: whoever breaks into one of
a key that everybody may read | alpha.example/sft.key → made/all.key | 12:10 error certificates.sft.key: everybody on this machine may use the key made/all.key. Run: chmod
a key that its group may change | alpha.example/sft.key → made/group.key | 12:10 warning certificates.sft.key: the group of made/group.key may change it.
a key in a folder of everybody | alpha.example/sft.key → made/open/sft.key | 12:10 warning certificates.sft.key: everybody on this machine may put another file in its place, for
a key behind a link into a folder of everybody | alpha.example/sft.key → made/link.key | 12:10 warning certificates.sft.key: everybody on this machine may put another file in its place, for
data that everybody may look into | data: data → data: made/shown | 2:7 warning data: everybody on this machine may look into made/shown, where the database is.
a file for the folder of data | data: data → data: peers.yaml | 2:7 error data: peers.yaml is a file, and no folder.
a password in the URL of the database |   admin:↵    listen: 127.0.0.1:8450 →   database: postgresql://u:secret@db/hawser↵  admin:↵    listen: 127.0.0.1:8450 | 31:13 error homeserver.database: there is a password in it. Take it out, and name its file in
`;
}

/** The same for what follows `TURN_YAML`. */
function TURN(): string {
  return `
secrets that are not there | secrets: turn.secrets → secrets: nowhere | 59:12 error turn.secrets: there is no file nowhere.
secrets that everybody may read | secrets: turn.secrets → secrets: made/all.key | 59:12 error turn.secrets: everybody on this machine may read the secrets in made/all.key. & 59:12 error turn.secrets: it cannot be used. Each line must be a secret
secrets that its group may change | secrets: turn.secrets → secrets: made/group.secrets | 59:12 warning turn.secrets: the group of made/group.secrets may change it.
secrets that are too short | secrets: turn.secrets → secrets: made/short.secrets | 59:12 error turn.secrets: it cannot be used. Each line must be a secret of 22 to 200 characters
an empty file of secrets | secrets: turn.secrets → secrets: made/empty.pem | 59:12 error turn.secrets: it cannot be used. There is no secret in it.
a host of another domain | turn.alpha.example → turn.omega.example | 57:19 warning turn.hosts.1.name: turn.omega.example does not lie below alpha.example
a name that is none | turn.alpha.example → Turn | 57:19 error turn.hosts.1.name must be a DNS name in lower case, such as turn.alpha.example, not "Turn".
a host on every address | listenIp: 198.20.0.8 → listenIp: 0.0.0.0, announcedIp: 198.20.0.8 | 57:49 error turn.hosts.1.listenIp: coturn relays from one address
a private address | listenIp: 198.20.0.8 → listenIp: 10.0.0.8 | 57:49 warning turn.hosts.1.listenIp: 10.0.0.8 is a private address (RFC 1918, RFC 4193): clients that need TURN outside of your own network
an announced private address | listenIp: 198.20.0.8 → listenIp: 198.20.0.8, announcedIp: 10.0.0.8 | 57:74 warning turn.hosts.1.announcedIp: 10.0.0.8 is a private address
an announced loopback | listenIp: 198.20.0.8 → listenIp: 198.20.0.8, announcedIp: 127.0.0.1 | 57:74 error turn.hosts.1.announcedIp: 127.0.0.1 is an address of this machine alone: no packet of
an address of examples | listenIp: 198.20.0.8 → listenIp: 203.0.113.8 | 57:49 warning turn.hosts.1.listenIp: 203.0.113.8 is an address that is kept for examples
an address of groups | listenIp: 198.20.0.8 → listenIp: 224.0.0.8 | 57:49 error turn.hosts.1.listenIp: nothing can listen on 224.0.0.8
IPv6 announced, IPv4 taken | listenIp: 198.20.0.8 → listenIp: 198.20.0.8, announcedIp: '2606:1::8' | 57:74 error turn.hosts.1.announcedIp: it is IPv6, and turn.hosts.1.listenIp takes IPv4 alone.
an address of the other family | listenIp: 198.20.0.8 → listenIp: '2606:1::8' | 57:49 warning turn.hosts.1.listenIp: coturn relays from it by IPv6, and sft.media.listenIp has an
the port of the page on its address | listenIp: 198.20.0.8 → listenIp: 198.20.0.7 ; tlsPort: 443 → tlsPort: 8443 | 58:12 error turn.tlsPort takes TCP port 8443, which homeserver.client.listen takes too. & 60:18 warning turn.ports.from: ports 50000 to 50999
relay ports that are those of trunks | listenIp: 198.20.0.8 → listenIp: 198.20.0.7 ; from: 50000 → from: 41100 ; tlsPort: 443 → tlsPort: 5349 | 60:18 error turn.ports takes UDP port 41100 to 50999, which sft.trunk.ports takes too. & 60:18 warning turn.ports.from: ports 41100 to 50999
relay ports that are those of media | listenIp: 198.20.0.8 → listenIp: 198.20.0.7 ; from: 50000 → from: 39000 ; to: 50999 → to: 40000 ; tlsPort: 443 → tlsPort: 5349 | 60:18 warning turn.ports.from: ports 39000 to 40000 & 61:9 error turn.ports takes UDP port 39000 to 40000, which sft.media.port takes too.
relay ports with that of TURN among them |   tlsPort: 443 →   tlsPort: 443↵  port: 50500 | 62:9 error turn.ports takes UDP port 50000 to 50999, which turn.port takes too.
relay ports that begin at that of TURN |   tlsPort: 443 →   tlsPort: 443↵  port: 50000 | 61:18 error turn.ports takes UDP port 50000 to 50999, which turn.port takes too.
ports of media on its public address | listenIp: 198.20.0.7 → listenIp: 0.0.0.0↵    announcedIp: 198.20.0.8 ; tlsPort: 443 → tlsPort: 8548↵  port: 40001 ; from: 50000 → from: 41199 | 60:12 error turn.tlsPort takes TCP port 8548, which sft.link.listen takes too. & 61:9 error turn.port takes UDP port 40001, which sft.media.port takes too. & 63:18 error turn.ports takes UDP port 41199 to 50999, which sft.trunk.ports takes too.
TCP ports of media on its public address | listenIp: 198.20.0.7 → listenIp: 10.0.0.7↵    announcedIp: 198.20.0.8 ; tlsPort: 443 → tlsPort: 40001 | 60:12 error turn.tlsPort takes TCP port 40001, which sft.media.port takes too.
ports of media behind one public address | listenIp: 198.20.0.7 → listenIp: 10.0.0.7↵    announcedIp: 198.20.0.9 ; listenIp: 198.20.0.8 → listenIp: 10.0.0.8, announcedIp: 198.20.0.9 ; tlsPort: 443 → tlsPort: 40001 | 60:12 error turn.tlsPort takes TCP port 40001, which sft.media.port takes too.
a host twice by its name | listenIp: 198.20.0.8 } → listenIp: 198.20.0.8 },↵    { name: turn.alpha.example, listenIp: 198.20.0.9 } | 58:13 error turn.hosts.2.name: turn.alpha.example is turn.hosts.1.name already.
a host twice by its address | listenIp: 198.20.0.8 } → listenIp: 198.20.0.8 },↵    { name: turn2.alpha.example, listenIp: 10.0.0.8, announcedIp: '::ffff:198.20.0.8' } | 58:67 error turn.hosts.2.announcedIp: ::ffff:198.20.0.8 is turn.hosts.1.listenIp already.
relay ports that end before they begin | to: 50999 → to: 49999 | 61:9 error turn.ports: the last port is below the first.
fewer relay ports than people | to: 50999 → to: 50099 | 61:9 warning turn.ports.to: 100 ports on one host are enough for 25 devices at once, fewer than a quarter of the 1000
`;
}

function PEERS(): string {
  return `
a misspelt key |   mediaPrefixes: [ →   mediaPrefix: [ | 1:11 warning beta.example: it has no media prefixes: in calls with it there is neither sound nor & 6:3 error There is no option "mediaPrefix" in 1. Did you mean mediaPrefixes?
a state that is none | state: blocked → state: no | 16:10 error 3.state must be allowed or blocked, not "no".
an allowed domain without authority |   authority: beta.example/authority.pem↵ →  | 1:11 error beta.example: an allowed domain needs an authority, the PEM file that its administrator
an authority that is not there | beta.example/authority.pem → beta/authority.pem | 3:14 error beta.example: there is no file beta/authority.pem.
a server for an authority | gamma.example/authority.pem → gamma.example/homeserver.pem | 9:14 error gamma.example: the authority cannot be used: it is the certificate of a server, not of an
the list of another authority | gamma.example/revoked.pem → beta.example/revoked.pem | 10:19 error gamma.example: the revocation list cannot be used: the authority of this domain did not
a domain twice | delta.example → beta.example | 15:11 error beta.example: this domain stands in the list twice.
the name of an SFT | delta.example → sft.delta.example | 15:11 error sft.delta.example: a domain cannot begin with sft., which is the name of an SFT.
the domain itself | delta.example → alpha.example | 15:11 warning alpha.example: this is the domain of the site itself
a door without port | hs.beta.example:8448 → hs.beta.example | 5:15 error beta.example: this must be a host and a port, such as hs.beta.example:8448.
no prefixes |   mediaPrefixes: [198.21.0.0/24]↵ →  | 1:11 warning beta.example: it has no media prefixes: in calls with it there is neither sound nor
an empty list of prefixes | [198.21.0.0/24] → [] | 1:11 warning beta.example: it has no media prefixes: in calls with it there is neither sound nor
a prefix that is none | [198.21.0.0/24] → [198.21.0.0/33] | 6:19 error beta.example: 198.21.0.0/33 is not an address prefix such as 203.0.113.0/24.
the whole internet |     - 198.22.0.0/24 →     - 0.0.0.0/0 | 13:7 error gamma.example: 0.0.0.0/0 is the whole internet.
the whole internet of IPv6 | 2606:1:2::/48 → ::/0 | 14:7 error gamma.example: ::/0 is the whole internet.
a 256th of the internet | 198.21.0.0/24 → 198.0.0.0/8 | 6:19 warning beta.example: 198.0.0.0/8 holds 16777216 addresses; an SFT has one, and our media & 13:7 warning gamma.example: 198.22.0.0/24 and 198.0.0.0/8 of beta.example overlap: media of one
a sixteenth of the internet | 198.21.0.0/24 → 192.0.0.0/4 | 6:19 error beta.example: 192.0.0.0/4 is more than any organisation has: a prefix must be /8 or longer.
half of the internet, beginning with no address | 198.21.0.0/24 → 0.0.0.0/1 | 6:19 error beta.example: 0.0.0.0/1 is more than any organisation has
half of the internet, beginning with a private address | 198.21.0.0/24 → 10.0.0.0/1 | 6:19 error beta.example: 10.0.0.0/1 is more than any organisation has
the whole internet in two halves |     - 198.22.0.0/24 →     - 0.0.0.0/1↵    - 128.0.0.0/1 | 13:7 error gamma.example: 0.0.0.0/1 is more & 14:7 error gamma.example: 128.0.0.0/1 is more
most of IPv6 | 2606:1:2::/48 → 2000::/3 | 14:7 error gamma.example: 2000::/3 is more than any organisation has: a prefix must be /16 or longer.
many networks that together are too many | [198.21.0.0/24] → [20.0.0.0/8, 22.0.0.0/8, 24.0.0.0/8] | 6:18 error beta.example: these prefixes together are more & 6:19 warning beta.example: 20.0.0.0/8 holds & 6:31 warning beta.example: 22.0.0.0/8 holds & 6:43 warning beta.example: 24.0.0.0/8 holds
a prefix that begins with special addresses | 198.21.0.0/24 → 192.0.0.0/9 | 6:19 warning beta.example: 192.0.0.0/9 holds 8388608 addresses
a prefix with bits behind its length | 198.21.0.0/24 → 198.21.0.7/24 | 6:19 warning beta.example: 198.21.0.7/24 names one address and its whole network at once; it is taken for 198.21.0.0/24.
a prefix of IPv6 with bits behind its length | 2606:1:2::/48 → 2606:1:2::7/48 | 14:7 warning gamma.example: 2606:1:2::7/48 names one address and its whole network at once; it is taken for 2606:1:2::/48.
a prefix of IPv6 that is too short | 2606:1:2::/48 → 2606::/16 | 14:7 warning gamma.example: 2606::/16 holds many networks of others; an SFT has one, and our media
a private prefix | 198.21.0.0/24 → 10.1.0.0/16 | 6:19 warning beta.example: 10.1.0.0/16 is a private address (RFC 1918, RFC 4193), from which nothing
prefixes that overlap | 198.21.0.0/24 → 198.22.0.128/25 | 13:7 warning gamma.example: 198.22.0.0/24 and 198.22.0.128/25 of beta.example overlap: media of one
our own authority | gamma.example/authority.pem → alpha.example/authority.pem ;   revocationList: gamma.example/revoked.pem↵ →  | 9:14 warning gamma.example: this is the authority of your own domain, and so the servers of
one authority for two | gamma.example/authority.pem → beta.example/authority.pem ;   revocationList: gamma.example/revoked.pem↵ →  | 9:14 warning gamma.example: the same authority speaks for beta.example: whoever holds its key is
an authority that ended | gamma.example/authority.pem → made/old-authority.pem ;   revocationList: gamma.example/revoked.pem↵ →  | 9:14 warning gamma.example: the authority of gamma.example ended on
an old revocation list | gamma.example/authority.pem → alpha.example/authority.pem ; gamma.example/revoked.pem → made/old-list.pem | 9:14 warning gamma.example: this is the authority of your own domain, and so the servers of & 10:19 warning gamma.example: a newer list of gamma.example was promised for
`;
}
