import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { listenDns } from '#homeserver/testing/dns.ts';
import { sampleSite } from '#site/sample.ts';
import { makeTestDomain, type TestDomain } from '#trust/testing.ts';
import { Problem } from './errors.ts';
import { ports } from './ports.ts';

const TURN = 'turn:\n  hosts: [{ name: turn.alpha.example, listenIp: 203.0.113.8 }]\n  secrets: secrets/turn\n';

let folder: string;
let beta: TestDomain;
let err: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-'));
  await writeFile(join(folder, 'hawser.yaml'), sampleSite().replace(/^#turn:[\s\S]*/m, TURN));
  beta = await makeTestDomain(folder, 'beta.example');
  await allow({ mediaPrefixes: ['198.51.100.0/24', '2001:db8:7::/48'] });
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** The one entry of the allow list: its homeserver has an address, so that nobody looks a name up. */
const allow = (options: Readonly<Record<string, unknown>> = {}, state = 'allowed') =>
  writeFile(
    join(folder, 'peers.yaml'),
    stringify([{ domain: beta.domain, state, authority: beta.authority, homeserver: '198.51.100.9:8448', ...options }]),
  );

async function print(...argv: string[]): Promise<string> {
  const out: string[] = [];
  err = [];
  const terminal = {
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
    signal: new AbortController().signal,
  };
  expect(await ports.execute([...argv, '--config', join(folder, 'hawser.yaml')], terminal)).toBe(0);
  return out.join('\n');
}

const BETA = ['federation-in', 'federation-out', 'link-in', 'link-out', 'trunk-in', 'trunk-out'].map(
  (word) => `${word}:beta.example`,
);
const COMES_IN = ['page-in', 'media-udp-in', 'turn-udp-in', 'federation-in:beta.example', 'trunk-in:beta.example'];

describe('the table', () => {
  it('has every rule with its ports, reason and what breaks without it, and a letter for others', async () => {
    const text = await print();
    expect(text).toMatch(
      /^What alpha\.example needs\. The rule names are those that hawser doctor uses\.\n\npage-in\n/,
    );
    for (const id of BETA) expect(text).toContain(`\n${id}\n`);
    expect(text).toContain(
      [
        'trunk-in:beta.example',
        '    UDP port 41000-41199 (200 ports), from SFT of beta.example: 198.51.100.0/24 2001:db8:7::/48 to SFT 203.0.113.7',
        '    Sound and picture from beta.example, SRTP. Without it: nobody here hears or sees beta.example.',
      ].join('\n'),
    );
    expect(text).toContain('\nSubject: Ports between your servers and alpha.example\n');
    expect(err).toEqual([]);
  });

  it('is narrower where the allow list knows the ports of the other side', async () => {
    const wide = await print('--format', 'nftables');
    expect(wide).toMatch(/udp dport 41000-41199 accept comment "trunk-in:beta\.example"/);
    await allow({ mediaPrefixes: ['198.51.100.0/24'], linkPort: 9_000, trunkPorts: '42000-42099' });
    const narrow = await print('--format', 'nftables', '--strict');
    expect(narrow).toMatch(/udp dport 41000-41199 udp sport 42000-42099 accept comment "trunk-in:beta\.example"/);
    expect(narrow).toMatch(/tcp dport 9000 accept comment "link-out:beta\.example"/);
  });
});

describe('each format', () => {
  it.each([
    ['nftables', /^# Ports of alpha\.example, by hawser ports\. .+\ntable inet hawser\n/],
    ['iptables', /^#!\/bin\/sh\n# Ports of alpha\.example, .+\nset -e\n/],
    ['firewalld', /^#!\/bin\/sh\n# Ports of alpha\.example, .+\nset -e\n/],
    ['ufw', /^#!\/bin\/sh\n# Ports of alpha\.example, .+\nset -e\n/],
    ['terraform-aws', /^# Ports of alpha\.example, .+\nvariable "vpc_id"/],
    ['markdown', /^\| rule \| port \| protocol \| from \| to \| why \| ports \| without it \|\n\| --- /],
  ])('%s begins as its program wants it, and has what comes in', async (format, begin) => {
    const text = await print('--format', format);
    expect(text).toMatch(begin);
    for (const id of COMES_IN) expect(text).toContain(id);
  });

  it('json has the rules and what the partner has to open', async () => {
    const { domain, rules, partner } = JSON.parse(await print('--format', 'json'));
    expect(domain).toBe('alpha.example');
    expect(rules.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining([...BETA, 'relay-out']));
    expect(rules.find(({ id }: { id: string }) => id === 'turn-tls-in')).toMatchObject({
      at: 'turn',
      direction: 'in',
      protocol: 'tcp',
      own: '203.0.113.8',
      ownPorts: { from: 443, to: 443 },
      others: 'anyone',
    });
    expect(partner).toHaveLength(6);
  });

  it('of an unknown name is refused', async () => {
    await expect(print('--format', 'pf')).rejects.toThrow(/--format/);
  });
});

describe('--machine', () => {
  it('keeps what concerns these machines alone', async () => {
    const idsOf = async (...machine: string[]) => {
      const { rules } = JSON.parse(await print('--format', 'json', ...machine));
      return rules.map(({ id, at }: { id: string; at: string }) => `${at} ${id}`);
    };
    const [dns, time] = [['turn dns-udp-out', 'turn dns-tcp-out'], 'turn time-out'];
    const own = ['turn turn-udp-in', 'turn turn-tls-in', 'turn relay-out'];
    expect(await idsOf('--machine', 'turn')).toEqual([...own, ...dns, time]);
    const [all, some] = [await idsOf(), await idsOf('--machine', 'sft, homeserver')];
    expect(some).toEqual(all.filter((each: string) => !each.startsWith('turn ')));
    expect(some).toContain('sft media-udp-in');
    // What an SFT on a machine of its own asks for.
    const out = (await idsOf('--machine', 'sft')).filter((each: string) => /-out$/.test(each));
    expect(out).toEqual(['sft homeserver-out', 'sft dns-udp-out', 'sft dns-tcp-out', 'sft time-out']);
    expect((await print('--format', 'terraform-aws', '--machine', 'sft')).match(/"hawser-\w+-alpha/g)).toEqual([
      '"hawser-sft-alpha',
    ]);
  });

  it('refuses another word', async () => {
    await expect(print('--machine', 'sft,router')).rejects.toThrow("'router' is none of homeserver, sft, turn.");
  });
});

it('limits what goes out with --strict only', async () => {
  for (const format of ['nftables', 'iptables', 'ufw']) {
    expect(await print('--format', format)).not.toContain('time-out');
    expect(await print('--format', format, '--strict')).toContain('time-out');
  }
  for (const format of ['firewalld', 'terraform-aws', 'table']) {
    await expect(print('--format', format, '--strict')).rejects.toThrow('--strict is for nftables, iptables, ufw.');
  }
});

describe('SSH', () => {
  /** The rules of iptables, and those of ip6tables. */
  const bothOf = (script: string) => {
    const at = script.indexOf('rules_of_ip6tables() {');
    return [script.slice(0, at), script.slice(at)];
  };

  it('is let in on port 22 from everywhere, so that nobody locks himself out', async () => {
    expect(await print('--format', 'nftables')).toMatch(/^ +tcp dport \{ 22 \} accept comment "ssh-in: .*"$/m);
    for (const text of bothOf(await print('--format', 'iptables'))) {
      expect(text).toMatch(/^-A hawser-in -p tcp --dport 22 .* -j ACCEPT$/m);
    }
    expect(await print('--format', 'ufw')).toMatch(
      /^ufw allow in proto tcp from any to any port 22 comment 'ssh-in: /m,
    );
  });

  it('is let in where it listens, and from where administrators are', async () => {
    const ssh = ['--ssh-port', '2222, 22', '--ssh-from', '192.0.2.0/24,2001:db8:5::/48'];
    const about = (text: string) => text.split('\n').filter((line) => line.includes('ssh-in'));
    expect(about(await print('--format', 'nftables', ...ssh))).toEqual([
      '    ip saddr 192.0.2.0/24 tcp dport { 2222, 22 } accept comment "ssh-in"',
      '    ip6 saddr 2001:db8:5::/48 tcp dport { 2222, 22 } accept comment "ssh-in"',
    ]);
    const [four = '', six = ''] = bothOf(await print('--format', 'iptables', ...ssh));
    const begins = (text: string) => about(text).map((line) => line.split(' -m ')[0]);
    expect(begins(four)).toEqual([
      '-A hawser-in -s 192.0.2.0/24 -p tcp --dport 2222',
      '-A hawser-in -s 192.0.2.0/24 -p tcp --dport 22',
    ]);
    expect(begins(six)).toEqual([
      '-A hawser-in -s 2001:db8:5::/48 -p tcp --dport 2222',
      '-A hawser-in -s 2001:db8:5::/48 -p tcp --dport 22',
    ]);
    expect(about(await print('--format', 'ufw', ...ssh))).toHaveLength(4);
    // From one family alone: by the other one nobody comes in.
    const [only = '', none = ''] = bothOf(await print('--format', 'iptables', '--ssh-from', '192.0.2.1'));
    expect(about(only)).toEqual([expect.stringContaining(' -s 192.0.2.1/32 ')]);
    expect(about(none)).toEqual([]);
    // An IPv4 address in a spelling of IPv6, which no packet has.
    expect(about(await print('--format', 'nftables', '--ssh-from', '::ffff:192.0.2.1'))).toEqual([
      expect.stringContaining(' ip saddr 192.0.2.1/32 '),
    ]);
    // One that lies within the other one, and bits that do not count.
    const within = about(await print('--format', 'nftables', '--ssh-from', '192.0.2.0/24,192.0.2.7/31'));
    expect(within.map((line) => line.trim().split(' ')[2])).toEqual(['192.0.2.0/24', '192.0.2.6/31']);
  });

  it('refuses what is no port and no prefix, and formats that say nothing of it', async () => {
    for (const port of ['0', '65536', 'ssh', '22,'])
      await expect(print('--format', 'ufw', '--ssh-port', port)).rejects.toThrow('is no port from 1 to 65535.');
    await expect(print('--format', 'ufw', '--ssh-from', 'home')).rejects.toThrow("'home' is no address or prefix");
    await expect(print('--format', 'firewalld', '--ssh-port', '22')).rejects.toThrow('--ssh-port is for nftables');
  });
});

describe('--format sysctl', () => {
  it('keeps the ports of media, trunks and relays free, each on its machine', async () => {
    const lines = async (machine: string) => (await print('--format', 'sysctl', '--machine', machine)).split('\n');
    const kept = async (machine: string) => (await lines(machine)).filter((line) => line.includes('reserved'));
    // As many workers as this machine has processors.
    expect(await kept('sft')).toEqual([
      expect.stringMatching(/^net\.ipv4\.ip_local_reserved_ports = 40000(-\d+)?,41000-41199$/),
    ]);
    expect(await kept('turn')).toEqual(['net.ipv4.ip_local_reserved_ports = 49152-50175']);
    expect(await kept('homeserver')).toEqual([]);
    for (const line of await lines('sft,homeserver,turn')) expect(line).toMatch(/^(#.*|-?net\.[a-z0-9_.]+ = \S+)$/);
  });
});

describe('--partner', () => {
  it('is a letter to one administrator, with what to enter for this side', async () => {
    const letter = await print('--partner', 'beta.example');
    expect(letter).toMatch(/^Subject: Ports between beta\.example and alpha\.example\n/);
    expect(letter).toContain('hawser peers allow alpha.example --authority authority.pem');
    expect(letter).toContain('--link-port 8548 --trunk-ports 41000-41199');
    expect(letter.split('\n').at(-2)).toMatch(/hawser doctor alpha\.example$/);
  });

  it('refuses what is no domain', async () => {
    await expect(print('--partner', 'beta')).rejects.toThrow("'beta' is not a DNS name such as beta.example.");
  });
});

describe('the media ports', () => {
  const config = () => join(folder, 'hawser.yaml');
  const unsaid = async () => writeFile(config(), (await readFile(config(), 'utf8')).replace(/^ +workers: 4\n/m, ''));

  it('are as many as hawser.yaml says, whatever machine the command runs on', async () => {
    const { rules } = JSON.parse(await print('--format', 'json'));
    const media = rules.filter(({ id }: { id: string }) => id.startsWith('media-'));
    for (const { ownPorts } of media) expect(ownPorts).toEqual({ from: 40_000, to: 40_003 });
  });

  it('are not guessed where it says nothing: the line to write is said', async () => {
    await unsaid();
    for (const format of ['table', 'nftables', 'json']) {
      const refused = print('--format', format);
      await expect(refused).rejects.toThrow(Problem);
      await expect(refused).rejects.toThrow(/hawser\.yaml does not say how many media workers .+\n {6}workers: \d+$/s);
    }
  });

  it('are nothing to a partner', async () => {
    await unsaid();
    expect(await print('--partner', 'beta.example')).toContain('--trunk-ports 41000-41199');
  });
});

it('asks the DNS servers that the homeserver asks', async () => {
  await using dns = await listenDns({
    srv: { '_hawser-federation._tcp.beta.example': [{ port: 9_448, target: 'hs.beta.example' }] },
    a: { 'hs.beta.example': ['198.20.1.1'] },
  });
  const text = await readFile(join(folder, 'hawser.yaml'), 'utf8');
  await writeFile(join(folder, 'hawser.yaml'), text.replace(/#resolvers: .*/, `resolvers: ['${dns.address}']`));
  await allow({ homeserver: undefined, mediaPrefixes: ['198.51.100.0/24'] });
  const rules = await print('--format', 'nftables', '--strict');
  expect(rules).toMatch(
    /ip daddr \{ 198\.51\.100\.0\/24, 198\.20\.1\.1\/32 \} tcp dport 9448 accept comment "federation-out:beta\.example"/,
  );
  expect(err).toEqual([]);
});

describe('says on standard error', () => {
  it('that a domain has no prefixes, and makes no rule for its media', async () => {
    await allow();
    const text = await print('--format', 'nftables');
    expect(err).toEqual([
      'hawser: beta.example has no media prefix, so that there is no rule for its media: hawser peers allow --help',
    ]);
    expect(text).toContain('"federation-in:beta.example"');
    expect(text).not.toMatch(/"(?:link|trunk)-[a-z]+:beta/);
  });

  it('that a homeserver has no address now', async () => {
    // A name that is longer than DNS allows: nobody is asked for it.
    await allow({ mediaPrefixes: ['198.51.100.0/24'], homeserver: `${'a'.repeat(64)}.beta.example:8448` });
    const text = await print('--format', 'nftables');
    expect(err).toEqual([
      'hawser: the homeserver of beta.example has no address now, so that its rules have the media prefixes only.',
    ]);
    expect(text).toMatch(/ip saddr \{ 198\.51\.100\.0\/24 \} .*"federation-in:beta\.example"/);
  });

  it('nothing of a domain that is blocked, which has no rule', async () => {
    await allow({}, 'blocked');
    expect(await print()).not.toContain(':beta.example');
    expect(err).toEqual([]);
  });
});
