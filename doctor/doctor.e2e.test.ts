/**
 * Two organisations on hosts of their own, one thing broken at a time: the doctor names that thing, whose it is, and what to do. What
 * firewalls break is in ports/ports.e2e.test.ts, where calls are tried too.
 */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPair } from '#cli/certs/folder.ts';
import type { TestDns } from '#ports/testing/dns.ts';
import { startDns } from '#ports/testing/dns.ts';
import type { TestSite } from '#ports/testing/site.ts';
import { startTwoSites, type TwoSites } from '#ports/testing/two-sites.ts';
import { until } from '#signalling/testing.ts';
import { issueServer, makeAuthority, makeRevocationList } from '#trust/issue.ts';
import { DAY, validityFrom } from '#trust/issuing.ts';
import { writeSecrets } from '#turn-config/database.ts';
import type { Step, Who } from './step.ts';

let two: TwoSites;
let alpha: TestSite;
let beta: TestSite;
let dns: TestDns;
/** PEM file of what browsers believe here. */
let believed: string;
/** A folder with a `timedatectl` that says that a time service keeps this machine's clock right. */
let inTime: string;

beforeAll(async () => {
  two = await startTwoSites({ turn: true });
  ({ alpha, beta, dns } = two);
  believed = join(alpha.folder, 'web-authority.pem');
  await writeFile(believed, two.authority.certificate);
  inTime = join(alpha.folder, 'in-time');
  await mkdir(inTime);
  await writeFile(join(inTime, 'timedatectl'), '#!/bin/sh\necho yes\n', { mode: 0o755 });
}, 180_000);

afterAll(() => two?.close());

interface Diagnosis {
  readonly ready: boolean;
  readonly verdict: string;
  readonly steps: readonly Step[];
}

async function diagnose(site: TestSite, word: string): Promise<Diagnosis> {
  const env = { NODE_EXTRA_CA_CERTS: believed, PATH: `${inTime}:${process.env.PATH}` };
  const { code, out, err } = await site.hawser(['doctor', word, '--json'], env);
  if (out === '') throw new Error(err);
  const diagnosis: Diagnosis = JSON.parse(out);
  expect(code).toBe(diagnosis.steps.some(({ outcome }) => outcome === 'failed') ? 1 : 0);
  return diagnosis;
}

/** Again where nothing but the synthetic trunk is not well: of that a busy machine loses packets. */
async function unhurried(examine: () => Promise<Diagnosis>): Promise<Diagnosis> {
  for (let left = 3; ; left--) {
    const found = await examine();
    const bad = found.steps.filter(({ outcome }) => outcome === 'failed' || outcome === 'warning');
    if (left === 0 || bad.length === 0 || bad.some(({ step }) => step !== 'trunk')) return found;
  }
}

/** What is not well, the first thing or any, once it is the expected one: servers notice some things a moment later. */
async function finding(word: string, which: 'first' | 'any', step: string, says: RegExp): Promise<Step> {
  let failed: readonly Step[] = [];
  return until(
    async () => {
      const { steps } = await diagnose(alpha, word);
      failed = steps.filter(({ outcome }) => outcome === 'failed');
      const looked = which === 'first' ? failed.slice(0, 1) : failed;
      return looked.find((each) => each.step === step && says.test(`${each.saw}`));
    },
    () => `a finding of the step ${step} that says ${says}, but ${JSON.stringify(failed)}`,
    20_000,
  );
}

const names = () => ({
  addresses: { ...alpha.names, ...beta.names },
  services: { ...alpha.services, ...beta.services },
});

it('says that all is well, on either side and for browsers, when it is', async () => {
  for (const [site, word] of [
    [alpha, 'beta.example'],
    [beta, 'alpha.example'],
    [alpha, 'clients'],
  ] as const) {
    const { ready, verdict, steps } = await unhurried(() => diagnose(site, word));
    expect([word, steps.filter(({ outcome }) => outcome !== 'ok')]).toEqual([word, []]);
    expect(ready).toBe(true);
    expect(verdict).toMatch(/^Ready: /);
  }
}, 150_000);

it('prints what it tried, what it saw, and one last line', async () => {
  const { out, code } = await until(
    async () => {
      const said = await alpha.hawser(['doctor', 'beta.example']);
      // Of the synthetic trunk a busy machine loses packets.
      return !/^(?:warning|FAILED) +trunk/m.test(said.out) && said;
    },
    'a trunk without loss',
    60_000,
  );
  const lines = out.trim().split('\n');
  expect(lines.slice(0, -1).every((line) => /^ok {7}.+: .+\.$/.test(line))).toBe(true);
  expect(lines.at(-1)).toBe('Ready: calls between alpha.example and beta.example work.');
  expect(code).toBe(0);
}, 90_000);

describe('names the one thing that is broken:', () => {
  /** What breaks it, what is found, and what mends it. */
  interface Break {
    readonly what: string;
    readonly step: string;
    readonly who: Who;
    readonly says: RegExp;
    readonly break: () => Promise<unknown>;
    readonly mend: () => Promise<unknown>;
  }
  const allowedAgain = async () => {
    await alpha.allow([beta]);
    await beta.allow([alpha]);
  };
  const router = (rules: string) => two.network.firewall(two.network.router, rules);
  const routerFilter = (rule: string) =>
    router(
      `table inet broken {\nchain forward {\ntype filter hook forward priority filter; policy accept;\n${rule}\n}\n}`,
    );
  const other = async () => (await makeAuthority(beta.domain, validityFrom(Date.now(), DAY))).certificate;
  const certificate = (site: TestSite, role: 'homeserver' | 'sft') => join(site.folder, 'certificates', `${role}.pem`);
  const key = (site: TestSite, role: 'homeserver' | 'sft') => join(site.folder, 'certificates', `${role}.key`);
  /** Puts another certificate in place of one, and keeps the right one. */
  const spoil = async (site: TestSite, role: 'homeserver' | 'sft', how: 'ended' | 'early' | 'swapped') => {
    const authority = await readPair(join(site.folder, 'certificates'));
    const begin = Date.now() + { ended: -3 * DAY, early: 3 * DAY, swapped: 0 }[how];
    const other = role === 'sft' ? 'homeserver' : 'sft';
    const made = await issueServer(authority, site.domain, how === 'swapped' ? other : role, validityFrom(begin, DAY));
    for (const file of [certificate(site, role), key(site, role)]) await rename(file, `${file}.right`);
    await writeFile(key(site, role), made.key, { mode: 0o600 });
    await writeFile(certificate(site, role), made.certificate);
  };
  const unspoil = async (site: TestSite, role: 'homeserver' | 'sft') => {
    for (const file of [key(site, role), certificate(site, role)]) await rename(`${file}.right`, file);
  };
  /** A list, in a file of its own, by which a site takes back the certificate of one of its servers. */
  const takenBack = async (site: TestSite, role: 'homeserver' | 'sft') => {
    const { serialNumber } = new X509Certificate(await readFile(certificate(site, role)));
    const revoked = [{ serial: serialNumber.toLowerCase(), at: Date.now() }];
    const file = join(site.folder, 'certificates', 'taken-back.pem');
    await writeFile(
      file,
      await makeRevocationList(await readPair(join(site.folder, 'certificates')), revoked, Date.now()),
    );
    return file;
  };
  const restart = async (site: TestSite, part: 'homeserver' | 'sft', env?: NodeJS.ProcessEnv) => {
    await site.stopServer(part);
    await site.startServer(part, env);
  };
  /** Its SFT has found its homeserver again. */
  const connected = (site: TestSite) => {
    const ask = 'fetch("http://127.0.0.1:8550/health").then((answer) => answer.text()).then(console.log)';
    const health = async () => JSON.parse(await two.network.run(site.host, process.execPath, ['-e', ask]));
    return until(async () => (await health()).homeserver === true, 'the SFT to be connected', 30_000);
  };
  /** Both servers of alpha and of beta know each other again. */
  const whole = (site: TestSite) =>
    until(async () => (await site.hawser(['peers', 'status'])).code === 0, 'the homeserver', 30_000);

  const breaks: readonly Break[] = [
    {
      what: 'no DNS server answers',
      ...{ step: 'names', who: 'you', says: /no DNS server answered/ },
      break: () => dns.close(),
      mend: async () => {
        dns = await startDns(two.network, two.dnsHost, names());
      },
    },
    {
      what: 'the other domain has no SRV record',
      ...{ step: 'names', who: 'them', says: /no SRV record/ },
      break: async () => {
        await dns.close();
        const { addresses, services } = { ...names(), services: alpha.services };
        const { [beta.domain]: _page, ...others } = addresses;
        dns = await startDns(two.network, two.dnsHost, { addresses: others, services });
      },
      mend: async () => {
        await dns.close();
        dns = await startDns(two.network, two.dnsHost, names());
      },
    },
    {
      what: 'it is not on the allow list',
      ...{ step: 'allowed', who: 'you', says: /not on it/ },
      ...{ break: () => alpha.allow([]), mend: allowedAgain },
    },
    {
      what: 'it is blocked',
      ...{ step: 'allowed', who: 'you', says: /blocked/ },
      ...{ break: () => alpha.allow([beta], { state: 'blocked' }), mend: allowedAgain },
    },
    {
      what: 'it has no media prefix here',
      ...{ step: 'allowed', who: 'you', says: /no media prefix/ },
      ...{ break: () => alpha.allow([beta], { mediaPrefixes: [] }), mend: allowedAgain },
    },
    {
      what: 'calls with it are off here',
      ...{ step: 'allowed', who: 'you', says: /calls with it are switched off/ },
      ...{ break: () => alpha.allow([beta], { may: { calls: false } }), mend: allowedAgain },
    },
    {
      what: 'calls are off there',
      ...{ step: 'allowed-there', who: 'them', says: /no calls/ },
      ...{ break: () => beta.allow([alpha], { may: { calls: false } }), mend: allowedAgain },
    },
    {
      what: 'it has not allowed us',
      ...{ step: 'homeserver', who: 'them', says: /ended the connection when it knew who we are/ },
      ...{ break: () => beta.allow([]), mend: allowedAgain },
    },
    {
      what: 'the list here has another authority for it',
      ...{ step: 'homeserver', who: 'you', says: /not of the authority that alpha\.example has/ },
      ...{
        break: async () => alpha.allow([beta], { authority: await other(), revocationList: undefined }),
        mend: allowedAgain,
      },
    },
    {
      what: 'its media comes from an address that is not approved here',
      ...{ step: 'prefixes', who: 'you', says: /comes from 20\.2\.0\.2, and you approved 198\.18\.0\.0/ },
      ...{ break: () => alpha.allow([beta], { mediaPrefixes: ['198.18.0.0/24'] }), mend: allowedAgain },
    },
    {
      what: 'our media comes from an address that is not approved there',
      ...{ step: 'prefixes', who: 'them', says: /does not approve 20\.1\.0\.2/ },
      ...{ break: () => beta.allow([alpha], { mediaPrefixes: ['198.18.0.0/24'] }), mend: allowedAgain },
    },
    {
      what: 'its homeserver is down',
      ...{ step: 'homeserver-tcp', who: 'them', says: /nobody listens there/ },
      ...{ break: () => beta.stopServer('homeserver'), mend: () => beta.startServer('homeserver') },
    },
    {
      what: 'its SFT is down',
      ...{ step: 'link', who: 'them', says: /nobody listens there/ },
      ...{ break: () => beta.stopServer('sft'), mend: () => beta.startServer('sft') },
    },
    {
      what: 'our homeserver is down',
      ...{ step: 'servers', who: 'you', says: /the homeserver does not answer/ },
      ...{ break: () => alpha.stopServer('homeserver'), mend: () => alpha.startServer('homeserver') },
    },
    {
      what: 'our SFT is down',
      ...{ step: 'servers', who: 'you', says: /the SFT does not answer/ },
      ...{ break: () => alpha.stopServer('sft'), mend: () => alpha.startServer('sft') },
    },
    {
      what: 'the certificate of our homeserver has ended',
      ...{ step: 'files', who: 'you', says: /ended/ },
      ...{ break: () => spoil(alpha, 'homeserver', 'ended'), mend: () => unspoil(alpha, 'homeserver') },
    },
    {
      what: 'our SFT has the certificate of the homeserver',
      ...{ step: 'files', who: 'you', says: /sft\.pem|name/ },
      ...{ break: () => spoil(alpha, 'sft', 'swapped'), mend: () => unspoil(alpha, 'sft') },
    },
    {
      what: 'the certificate of its SFT has ended',
      ...{ step: 'link', who: 'them', says: /certificate of the SFT of beta\.example has ended/ },
      ...{ break: () => spoil(beta, 'sft', 'ended'), mend: () => unspoil(beta, 'sft') },
    },
    {
      what: 'the certificate of its homeserver has ended',
      ...{ step: 'homeserver', who: 'them', says: /certificate of the homeserver of beta\.example has ended/ },
      ...{ break: () => spoil(beta, 'homeserver', 'ended'), mend: () => unspoil(beta, 'homeserver') },
    },
    {
      what: 'the certificate of its homeserver is not valid yet',
      ...{ step: 'homeserver', who: 'them', says: /certificate of the homeserver of beta\.example is not valid yet/ },
      ...{ break: () => spoil(beta, 'homeserver', 'early'), mend: () => unspoil(beta, 'homeserver') },
    },
    {
      what: 'its names lead into a house',
      ...{ step: 'names', who: 'you', says: /leads to an address that is not of the open internet/ },
      break: async () => {
        await dns.close();
        const { addresses, services } = names();
        const inside = { ...addresses, [`hs.${beta.domain}`]: '10.0.0.7' };
        dns = await startDns(two.network, two.dnsHost, { addresses: inside, services });
      },
      mend: async () => {
        await dns.close();
        dns = await startDns(two.network, two.dnsHost, names());
      },
    },
    {
      what: 'the certificate of our SFT was revoked',
      ...{ step: 'files', who: 'you', says: /revoked/ },
      break: async () => {
        const list = join(alpha.folder, 'certificates', 'revoked.pem');
        await rename(list, `${list}.right`);
        await rename(await takenBack(alpha, 'sft'), list);
      },
      mend: async () => {
        const list = join(alpha.folder, 'certificates', 'revoked.pem');
        await rename(`${list}.right`, list);
        await connected(alpha);
      },
    },
    {
      what: 'the certificate of its SFT was revoked',
      ...{ step: 'link', who: 'them', says: /certificate of the SFT of beta\.example was revoked/ },
      ...{
        break: async () => alpha.allow([beta], { revocationList: await takenBack(beta, 'sft') }),
        mend: allowedAgain,
      },
    },
    {
      what: 'the certificate of its homeserver was revoked',
      ...{ step: 'homeserver', who: 'them', says: /certificate of the homeserver of beta\.example was revoked/ },
      break: async () => alpha.allow([beta], { revocationList: await takenBack(beta, 'homeserver') }),
      mend: allowedAgain,
    },
    {
      what: 'its clock is wrong',
      ...{ step: 'clock', who: 'them', says: /that of beta\.example is \d+ s ahead of yours/ },
      break: async () => {
        const shift = join(beta.folder, 'shift.mjs');
        await writeFile(shift, 'const { now } = Date; Date.now = () => now() + 600_000;\n');
        await restart(beta, 'homeserver', { NODE_OPTIONS: `--import=${shift}` });
      },
      mend: () => restart(beta, 'homeserver'),
    },
    {
      what: 'its SFT has a name that DNS does not know',
      ...{ step: 'link', who: 'them', says: /the name of nowhere\.beta\.example:8548 has no address/ },
      break: async () => {
        await beta.configure((yaml) => {
          yaml.sft.link.url = 'wss://nowhere.beta.example:8548/link/v1';
        });
        await restart(beta, 'homeserver');
      },
      mend: async () => {
        await beta.configure(() => undefined);
        await restart(beta, 'homeserver');
      },
    },
    {
      what: 'large datagrams are lost on the way, and nobody says so',
      ...{ step: 'sizes', who: 'both', says: /1200, 1400 bytes never arrive/ },
      ...{ break: () => routerFilter('meta l4proto udp ip length > 1200 drop'), mend: () => router('') },
    },
    {
      what: 'something changes the ports of our media',
      ...{ step: 'translation', who: 'you', says: /sends from 20\.1\.0\.2:41\d+ comes from 20\.1\.0\.2:5\d+/ },
      break: () =>
        router(
          'table ip broken {\nchain post {\ntype nat hook postrouting priority srcnat;\nip saddr 20.1.0.2 udp sport 41000-41019 snat to 20.1.0.2:50000-59999 fully-random\n}\n}',
        ),
      mend: () => router(''),
    },
    {
      what: 'every seventh packet is lost',
      ...{ step: 'trunk', who: 'both', says: /with [1-3]\d\.\d % lost/ },
      ...{
        break: () => routerFilter('udp dport != 53 udp sport != 53 numgen inc mod 7 0 drop'),
        mend: () => router(''),
      },
    },
  ];

  it.each(breaks.map((each) => [each.what, each] as const))(
    '%s',
    async (_what, { step, who, says, ...each }) => {
      await each.break();
      try {
        const found = await finding('beta.example', 'first', step, says);
        expect(found.who).toBe(who);
        expect(found.todo?.length).toBeGreaterThan(10);
      } finally {
        await each.mend();
      }
    },
    150_000,
  );

  it('all is well again after that', async () => {
    await whole(alpha);
    await until(async () => (await diagnose(alpha, 'beta.example')).ready, 'everything to be mended', 60_000);
  }, 120_000);
});

describe('names the one thing that browsers lack:', () => {
  const right = () => alpha.writeWebCertificate();
  const turnDatabase = () => alpha.coturn?.database ?? '';
  it.each([
    [
      'a certificate that has ended',
      ...(['page', /has ended/] as const),
      () => alpha.writeWebCertificate(undefined, -60_000),
      right,
    ],
    [
      'a certificate for another name',
      ...(['page', /not for alpha\.example/] as const),
      () => alpha.writeWebCertificate(['other.example']),
      right,
    ],
    [
      'the address of the SFT, which announces another one',
      ...(['media-udp', /no answer/] as const),
      async () => {
        await alpha.configure((yaml) => Object.assign(yaml.sft.media, { announcedIp: '20.1.0.77' }));
        await alpha.stopServer('sft');
        await alpha.startServer('sft');
      },
      async () => {
        await alpha.configure(() => undefined);
        await alpha.stopServer('sft');
        await alpha.startServer('sft');
      },
    ],
    [
      'the secret at coturn',
      ...(['turn-udp', /does not know the credential/] as const),
      async () => writeSecrets(turnDatabase(), alpha.domain, ['another-secret-of-the-test-long-enough']),
      async () => writeSecrets(turnDatabase(), alpha.domain, [alpha.turnSecret]),
    ],
    ['coturn', ...(['turn-tls', /nobody listens there/] as const), () => alpha.stopTurn(), () => alpha.startTurn()],
  ])(
    '%s',
    async (_what, step, says, spoilIt, mendIt) => {
      await spoilIt();
      try {
        expect((await finding('clients', 'any', step, says)).who).toBe('you');
      } finally {
        await mendIt();
      }
    },
    150_000,
  );
});

it('examines of a site on two machines what is on each, and says what to call on the other', async () => {
  const machine = await moveSft('20.1.0.4');
  const onSft = async (args: readonly string[]): Promise<Diagnosis> => {
    const child = two.network.start(machine.host, process.execPath, [...MAIN, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: machine.folder,
    });
    let out = '';
    for await (const chunk of child.stdout ?? []) out += String(chunk);
    return JSON.parse(out);
  };
  const told = (steps: readonly Step[]) =>
    steps.filter(({ outcome }) => outcome !== 'ok').map(({ step, outcome, saw }) => `${step} ${outcome}: ${saw}`);

  const here = await until(
    async () => {
      const found = await diagnose(alpha, 'beta.example');
      return found.steps.some(({ step, outcome }) => step === 'servers' && outcome === 'ok') ? found : undefined;
    },
    'the SFT to find its homeserver from where it is now',
    60_000,
  );
  expect(told(here.steps)).toEqual(['link skipped: your SFT runs on another machine']);
  expect([here.ready, here.verdict]).toEqual([false, expect.stringMatching(/^What was tried is well\. Not tried: /)]);
  expect(here.steps.map(({ step }) => step)).toContain('allowed-there');

  const [, command = ''] = /^There: hawser (.+)$/.exec(here.steps.at(-1)?.todo ?? '') ?? [];
  const there = await unhurried(() => onSft(command.split(' ')));
  expect(told(there.steps)).toEqual(['homeserver skipped: your homeserver runs on another machine']);
  for (const step of [
    'files',
    'allowed',
    'servers',
    'link',
    'link-clock',
    'link-back',
    'media-out',
    'media-in',
    'trunk',
  ])
    expect(there.steps.map((each) => `${each.step} ${each.outcome}`)).toContain(`${step} ok`);

  const { steps } = await onSft(['doctor', 'beta.example']);
  expect(steps.at(-1)?.todo).toMatch(/^On the machine of your homeserver, hawser doctor beta\.example /);
}, 150_000);

const MAIN = ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL('../cli/main.ts', import.meta.url))];

/** The SFT of alpha on a machine of its own from now on, with its key and no other one. */
async function moveSft(ip: string) {
  const host = await two.network.addHost('sft', ip, { dns: two.dnsHost.ip });
  const folder = `${alpha.folder}-sft`;
  await alpha.stopServer('sft');
  await alpha.configure(({ sft }) => {
    for (const door of [sft.client, sft.link]) door.listen = door.listen.replace(alpha.host.ip, ip);
    for (const media of [sft.media, sft.trunk]) media.listenIp = ip;
  });
  await beta.allow([alpha], { mediaPrefixes: [`${ip}/32`] });
  await dns.close();
  const { addresses, services } = names();
  dns = await startDns(two.network, two.dnsHost, {
    addresses: { ...addresses, [`sft.${alpha.domain}`]: ip },
    services,
  });
  for (const name of ['certificates', 'browsers']) await mkdir(join(folder, name), { recursive: true });
  const common = ['authority.pem', 'revoked.pem', 'tickets.pem'].map((name) => `certificates/${name}`);
  for (const name of [...common, 'browsers/fullchain.pem', 'browsers/privkey.pem', 'hawser.yaml', 'peers.yaml'])
    await copyFile(join(alpha.folder, name), join(folder, name));
  for (const name of ['certificates/sft.pem', 'certificates/sft.key'])
    await rename(join(alpha.folder, name), join(folder, name));
  const child = two.network.start(host, process.execPath, [...MAIN, 'sft', '--config', join(folder, 'hawser.yaml')], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return { host, folder };
}
