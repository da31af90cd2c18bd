/** `hawser config init`: the site that it writes, and that what it says comes next can be typed. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSite } from '#check/check.ts';
import { CONTAINER } from '#check/testing.ts';
import { loadSite } from '#site/load.ts';
import { makeTestDomain } from '#trust/testing.ts';
import { configInit } from '../config-init.ts';
import { newDomain } from '../flags.ts';
import { parse } from '../parse.ts';
import { repository } from '../setup/packages.ts';
import { table } from '../table.ts';
import { chooseAddress, chooseListenIp } from './addresses.ts';
import { type FirstHost, nextSteps } from './next-steps.ts';

const run = promisify(execFile);

let folder: string;
let file: string;
let out: string[];

beforeEach(async () => {
  // A shell has to take it for one word.
  folder = join(await mkdtemp(join(tmpdir(), 'hawser-')), "alpha's site");
  file = join(folder, 'hawser.yaml');
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

/** @param given flags, in place of those that are right and beside them */
async function init(given: Readonly<Record<string, string>>): Promise<number> {
  out = [];
  const { signal } = new AbortController();
  const line = (text: string) => void out.push(text);
  const flags = { domain: 'alpha.example', host: 'hawser.alpha.example', out: file, ...given };
  const argv = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  return configInit.execute(argv, { out: line, err: line, signal });
}

/** One string a command, without the slashes at the ends of lines. */
function commandsIn(lines: readonly string[]): string[] {
  const typed = lines.filter((line) => line.startsWith('      ')).map((line) => line.trim());
  return typed.join('\n').replaceAll('\\\n', '').split('\n');
}

it('writes a site that is right once the commands were typed that it says come next', async () => {
  expect(await init({ address: '198.20.0.7', listen: '10.0.0.7' })).toBe(0);
  expect(out.slice(0, 2)).toEqual([
    `${file} is written: hawser.alpha.example has the address 198.20.0.7.`,
    'The address translation has to bring what comes there to 10.0.0.7, with the ports as they are.',
  ]);
  const commands = commandsIn(out);
  const checkAt = commands.findIndex((each) => each.includes('/hawser config check'));
  // Those behind them would reserve ports of this machine.
  const files = commands.slice(
    0,
    commands.findIndex((each) => each.includes('sysctl')),
  );
  expect(checkAt).toBe(files.length + 2);
  await using scratch = await browserCertificate();
  const text = files.join('\n').replace('CERTIFICATE.pem', scratch.certificate).replace('KEY.pem', scratch.key);
  await run('sh', ['-euc', `umask 077\n${text}`]);

  expect(await loadSite(file)).toMatchObject({
    domain: 'alpha.example',
    data: join(folder, 'data'),
    homeserver: {
      client: { listen: '0.0.0.0:443', url: 'https://hawser.alpha.example' },
      federation: { address: 'hawser.alpha.example:8448' },
    },
    sft: {
      client: { origins: ['https://hawser.alpha.example'] },
      media: { listenIp: '10.0.0.7', announcedIp: '198.20.0.7' },
      trunk: { listenIp: '10.0.0.7', announcedIp: '198.20.0.7' },
    },
  });
  const machine = { ...CONTAINER, addresses: ['127.0.0.1', '10.0.0.7'], uid: process.getuid?.(), firstFreePort: 0 };
  const findings = await checkSite(file, { machine });
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  const about = ({ path, reason }: { path: string; reason: string }) => `${path}: ${reason}`;
  expect(findings.map(about).filter((each) => !/browsers|certificate for/.test(each))).toEqual([]);
});

/** As an authority of one's own would make it. */
async function browserCertificate() {
  const parent = await mkdtemp(join(tmpdir(), 'hawser-'));
  const domain = await makeTestDomain(parent, 'alpha.example');
  const made = await domain.issue({ names: ['hawser.alpha.example'] });
  return { ...made, [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }) };
}

it('leaves a file that is there as it is', async () => {
  await mkdir(folder);
  await writeFile(file, 'mine');
  await expect(init({ address: '198.20.0.7', listen: '198.20.0.7' })).rejects.toThrow('is there already');
  expect(await readFile(file, 'utf8')).toBe('mine');
});

it('says why it cannot write', async () => {
  await mkdir(folder);
  await writeFile(join(folder, 'no-folder'), '');
  const there = join(folder, 'no-folder', 'hawser.yaml');
  await expect(init({ address: '198.20.0.7', listen: '198.20.0.7', out: there })).rejects.toThrow(
    /cannot be written \((?:ENOTDIR|EEXIST)\)\. Mend that/,
  );
});

it('lets the user of the servers read it, whatever the umask', async () => {
  const before = process.umask(0o077);
  try {
    await init({ address: '198.20.0.7', listen: '198.20.0.7' });
  } finally {
    process.umask(before);
  }
  expect((await stat(file)).mode & 0o777).toBe(0o644);
});

it('listens on IPv6 where the host has such an address', async () => {
  await init({ address: '2001:db8:0::7', listen: '2001:db8::7' });
  expect(out.join('\n')).not.toContain('translation');
  const text = await readFile(file, 'utf8');
  expect(text.match(/listen: .*/g)).toEqual(['443', '8448', '8543', '8548'].map((port) => `listen: "[::]:${port}"`));
  expect(text).toContain('listenIp: "2001:db8::7", announcedIp: "2001:db8::7"');
});

it.each([
  [{ domain: 'alpha example' }, "'alpha example' is not a DNS name such as alpha.example."],
  [{ domain: 'sft.alpha.example' }, 'A domain cannot begin with sft.'],
  [{ host: '198.20.0.7' }, "'198.20.0.7' is not a DNS name such as hawser.alpha.example."],
  [{ address: '0.0.0.0' }, '--address 0.0.0.0 is not the IP address of a machine'],
  [{ address: '198.20.0.7', listen: '0::0' }, '--listen 0::0 is not the IP address of a machine'],
  [{ address: '198.20.0.7', listen: 'eth0' }, '--listen eth0 is not the IP address of a machine'],
  [{ address: '198.20.0.7', listen: '2001:db8::7' }, 'are of two families'],
])('refuses %j and writes nothing', async (flags, message) => {
  await expect(init(flags)).rejects.toThrow(message);
  await expect(stat(file)).rejects.toThrow('ENOENT');
});

describe('finds out', () => {
  const host = 'hawser.alpha.example';

  it.each([
    [['198.20.0.7'], '198.20.0.7'],
    [['198.20.0.7', '198.20.0.7', '2001:db8::7'], '198.20.0.7'],
    [['2001:db8::7'], '2001:db8::7'],
    // Debian writes this one into /etc/hosts for the name of the machine.
    [['127.0.1.1', '198.20.0.7'], '198.20.0.7'],
  ])('of %j the address of the host', (found, address) => {
    expect(chooseAddress(host, found)).toBe(address);
  });

  it.each([
    [[], `No address is known for ${host}. Have an A record made`],
    [['127.0.1.1'], `${host} leads to 127.0.1.1 here, where nobody else reaches it`],
    [['198.20.0.7', '198.20.0.8'], `${host} leads to 198.20.0.7 and 198.20.0.8. Say with --address`],
  ])('nothing of %j, and says what to say', (found, message) => {
    expect(() => chooseAddress(host, found)).toThrow(message);
  });

  it.each([
    [['127.0.0.1', '198.20.0.7', '10.0.0.7'], '198.20.0.7'],
    [['127.0.0.1', '::1', 'fe80::1', '169.254.3.4', '10.0.0.7', '2001:db8::7'], '10.0.0.7'],
  ])('of %j the one of the machine', (ofMachine, listenIp) => {
    expect(chooseListenIp('198.20.0.7', ofMachine)).toBe(listenIp);
  });

  it.each([
    [
      ['127.0.0.1', '10.0.0.7', '10.0.1.7'],
      'it has 10.0.0.7, 10.0.1.7. Call this on the host itself, or say with --listen',
    ],
    [['127.0.0.1', '2001:db8::7'], 'it has none of that family'],
  ])('none where the machine has %j', (ofMachine, message) => {
    expect(() => chooseListenIp('198.20.0.7', ofMachine)).toThrow(message);
  });
});

describe('what comes next', async () => {
  const commands = await Promise.all(table.map(({ load }) => load()));
  const page = await readFile(join(repository, 'docs', 'guides', 'install.md'), 'utf8');
  const host: Omit<FirstHost, 'isOfPackage'> = {
    domain: newDomain('alpha.example'),
    ...{ host: 'hawser.alpha.example', file: '/etc/hawser/hawser.yaml', program: 'hawser', guide: '/opt/install.md' },
    isThere: () => false,
  };

  it.each([true, false])(
    'is commands that there are, with flags that they take (of the package: %s)',
    (isOfPackage) => {
      const lines = commandsIn(nextSteps({ ...host, isOfPackage }))
        .flatMap((each) => /(?:^|caps \+net_bind_service )hawser (.*)$/.exec(each)?.[1] ?? [])
        .map((each) => each.replace(/ > .*/, ''));
      const names = lines.map((line) => {
        const words = line.split(/\s+/);
        const called = (count: number) => commands.find(({ name }) => name === words.slice(0, count).join(' '));
        const meant = called(2) ?? called(1);
        if (meant === undefined) throw new Error(`There is no command for: ${line}`);
        expect(() => parse(meant, words.slice(meant.name.split(' ').length)), line).not.toThrow();
        return meant.name;
      });
      const servers = isOfPackage ? [] : ['homeserver', 'sft'];
      expect(names).toEqual([
        ...['certs init', 'ports', 'config check', ...servers],
        ...['ports', 'doctor', 'accounts add', 'peers allow', 'ports', 'ports', 'doctor'],
      ]);
    },
  );

  it('leaves out what is there', () => {
    const all = nextSteps({ ...host, isOfPackage: true }).join('\n');
    expect(all).toContain('hawser certs init');
    expect(all).toContain('browsers/fullchain.pem');
    const rest = nextSteps({ ...host, isOfPackage: true, isThere: () => true });
    expect(rest.join('\n')).not.toMatch(/certs init|fullchain/);
    expect(rest[2]).toMatch(/^ 1\. As root, keep the ports/);
    const half = nextSteps({ ...host, isOfPackage: true, isThere: (path) => !path.endsWith('sft.key') });
    expect(half.join('\n')).toContain('hawser certs init');
    expect(half.join('\n')).not.toContain('fullchain');
  });

  it('is, of the package, what the page of the installation says', () => {
    const typed = page.replaceAll(/\\\n\s*/g, '');
    const commands = commandsIn(nextSteps({ ...host, isOfPackage: true }))
      .map((line) => line.replace(/^\(cd \S+ && (.*)\)$/, '$1').replaceAll('alpha.example', '"$DOMAIN"'))
      .filter((line) => /^(?:install (?:--group|-D)|system|setpriv|hawser (?:certs|ports --format))/.test(line))
      .filter((line) => !/CERTIFICATE|KEY/.test(line));
    expect(commands.length).toBeGreaterThanOrEqual(9);
    for (const line of commands) expect(typed.replaceAll(/ {2,}/g, ' ')).toContain(line);
  });

  it('names another organisation than one’s own', () => {
    const steps = nextSteps({ ...host, domain: newDomain('beta.example'), isOfPackage: true }).join('\n');
    expect(steps).toContain('hawser doctor gamma.example');
  });
});
