import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { costOf } from '#signalling/testing-cost.ts';
import { loadSite } from './load.ts';
import { SiteError } from './mistakes.ts';
import { referenceTable, sampleSite } from './sample.ts';
import { SiteSchema } from './schema.ts';
import { readYaml } from './yaml.ts';

const FILES = [
  'devices-root.pem',
  'devices-root-revoked.pem',
  'devices.pem',
  'devices.key',
  'homeserver.pem',
  'homeserver.key',
  'sft.pem',
  'sft.key',
  'tickets.pem',
  'tickets.key',
  'authority.pem',
];

let folder: string;
let path: string;
const sample = sampleSite();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-'));
  path = join(folder, 'hawser.yaml');
  const others = [
    'browsers/fullchain.pem',
    'browsers/privkey.pem',
    'secrets/database',
    'mail.password',
    'mail-authority.pem',
    'certificates/s3.key',
    'certificates/revoked.pem',
    'secrets/turn',
  ];
  for (const file of [...FILES.map((name) => `certificates/${name}`), ...others]) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), 'content', { mode: 0o600 });
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function load(text: string, ...parts: Parameters<typeof loadSite>[1][]) {
  await writeFile(path, text);
  return loadSite(path, ...parts);
}

async function mistakesIn(text: string, ...parts: Parameters<typeof loadSite>[1][]): Promise<readonly string[]> {
  try {
    await load(text, ...parts);
    return [];
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    return error.mistakes.map(({ line, message }) => `${line}: ${message}`);
  }
}

/** The sample with one line changed, and the number of that line. */
function changed(line: string, by: string): [text: string, number: number] {
  const lines = sample.split('\n');
  const at = lines.findIndex((candidate) => candidate.trim() === line);
  expect(at, line).toBeGreaterThan(-1);
  return [lines.with(at, (lines[at] ?? '').replace(line, by)).join('\n'), at + 1];
}

describe('the sample', () => {
  it('is a site, with defaults filled in and paths absolute', async () => {
    const site = await load(sample);
    expect(site.domain).toBe('alpha.example');
    expect(site.peers).toBe(join(folder, 'peers.yaml'));
    expect(site.certificates.homeserver.key).toBe(join(folder, 'certificates/homeserver.key'));
    expect(site.sft.limits).toMatchObject({ participants: 1_000, conferences: 200 });
    expect(site.sft.trunk).toMatchObject({ mode: 'layers', ports: { from: 41_000, to: 41_199 } });
    expect(site.homeserver.client.tls).toBeUndefined();
    expect(site.homeserver.mail).toBeUndefined();
    expect(site.homeserver.registration).toEqual({ mode: 'closed', emailDomains: [], workBits: 16, invitationDays: 7 });
    expect(site.homeserver.teamMates).toBe('domain');
    expect(site.homeserver.foreignPeople).toBe('open');
    expect(site.homeserver.search).toBe('full');
  });

  it('is a site too with every option that it has commented out', async () => {
    const site = await load(sample.replaceAll(/^( *)#(?! )(.*)$/gm, '$1$2'));
    expect(site.homeserver.client.tls?.key).toBe(join(folder, 'browsers/privkey.pem'));
    expect(site.sft.media.announcedIp).toBe('203.0.113.7');
    expect(site.homeserver.mail?.passwordFile).toBe(join(folder, 'mail.password'));
  });

  it('stands in the reference', () => expect(sample).toMatchFileSnapshot('../docs/reference/hawser.yaml'));
});

it('lets clients in by plain RTP on loopback only', async () => {
  const plain = sample.replace(/^( *)listenIp: .*$/m, '$1entrance: plain\n$&');
  expect(await mistakesIn(plain)).toEqual([expect.stringMatching(/sft\.media\.entrance: plain RTP is for load tests/)]);
  expect(await mistakesIn(plain.replace(/^( *)listenIp: .*$/m, '$1listenIp: 127.0.0.1'))).toEqual([]);
});

it('the reference table is that of the schema', () =>
  expect(referenceTable()).toMatchFileSnapshot('../docs/reference/configuration.md'));

describe('a mistake', () => {
  it.each([
    [
      'domain: alpha.example',
      'domain: alpha',
      'domain must be a DNS name in lower case, such as alpha.example, not "alpha".',
    ],
    ['domain: alpha.example', 'domian: alpha.example', 'There is no option "domian". Did you mean domain?'],
    [
      'domain: alpha.example',
      'domain: sft.alpha.example',
      'domain: a domain cannot begin with sft., which is the name of the SFT of another one.',
    ],
    [
      'listen: 0.0.0.0:8443',
      'listen: 8443',
      'homeserver.client.listen must be an IP address and a port, such as 0.0.0.0:8443 or [::]:8443, not 8443.',
    ],
    ['listen: 0.0.0.0:8443', 'listen: 0.0.0.0:84430', 'homeserver.client.listen: the port must be 1 to 65535.'],
    ['listen: 0.0.0.0:8443', 'listen: 0.0.0.256:8443', 'homeserver.client.listen: 0.0.0.256 is not an IP address.'],
    [
      'listen: 0.0.0.0:8443',
      'listen: [a, b]',
      'homeserver.client.listen must be an IP address and a port, such as 0.0.0.0:8443 or [::]:8443, not a list or a section.',
    ],
    [
      'listen: 0.0.0.0:8443',
      'listen:',
      'homeserver.client.listen has no value. It must be an IP address and a port, such as 0.0.0.0:8443 or [::]:8443.',
    ],
    [
      'listen: 0.0.0.0:8448',
      'listen: 127.0.0.1:8443',
      'homeserver.federation.listen takes TCP port 8443, which homeserver.client.listen takes too.',
    ],
    ['#from: 41000', 'from: 40001', 'sft.trunk.ports takes UDP port 40001 to 41199, which sft.media.port takes too.'],
    ['#to: 41199', 'to: 40999', 'sft.trunk.ports: the last port is below the first.'],
    [
      'url: https://alpha.example',
      'url: http://alpha.example',
      'homeserver.client.url: without https browsers give no camera and no microphone, except on localhost.',
    ],
    ['#mode: layers', 'mode: nothing', 'sft.trunk.mode must be everything, sources or layers, not "nothing".'],
    [
      '#participants: 1000',
      'participants: 1.5',
      'sft.limits.participants must be a whole number from 1 to 100000, not 1.5.',
    ],
    [
      '#mode: closed',
      'mode: open',
      'homeserver.registration.mode: people register by e-mail, so homeserver.mail must say how it is sent.',
    ],
    [
      '#mode: closed',
      'mode: domains',
      'homeserver.registration.mode: homeserver.registration.emailDomains must name at least one domain.',
    ],
    [
      'origins: [ https://alpha.example ]',
      'origins: []',
      'sft.client.origins must be a list of origins, such as https://alpha.example.',
    ],
    [
      'limits:',
      'limits: none',
      'sft.limits must have options below it: participants, conferences, participantsPerConference, connections, links.',
    ],
  ])('%s → %s', async (line, by, message) => {
    const [text, at] = changed(line, by);
    const found = await mistakesIn(text);
    const nearby = found.filter((mistake) => mistake.startsWith(`${at}: `) || mistake.endsWith(`: ${message}`));
    expect(nearby.map((mistake) => mistake.slice(mistake.indexOf(': ') + 2))).toContain(message);
    if (!/ports/.test(message)) expect(nearby[0]).toMatch(new RegExp(`^${at}: `));
  });

  it('does not hide the others', async () => {
    const text = sample
      .replace('domain: alpha.example', 'domain: alpha')
      .replace('certificates/sft.pem', 'certificates/nowhere.pem')
      .replace('listen: 0.0.0.0:8548', 'listen: 0.0.0.0:8543')
      .replace('  link:', '  lnik: 5\n  link:');
    expect(await mistakesIn(text)).toHaveLength(4);
  });

  it('in the syntax has its line', async () => {
    expect(await mistakesIn('domain: alpha.example\ndata: [')).toEqual([expect.stringMatching(/^2: .*\.$/)]);
    expect(await mistakesIn('domain: a\ndomain: b')).toContainEqual(
      expect.stringMatching(/^2: Map keys must be unique/),
    );
  });

  it('of an address for everybody without the one that others reach', async () => {
    const [text, at] = changed('listenIp: 203.0.113.7', 'listenIp: 0.0.0.0');
    expect(await mistakesIn(text)).toEqual([
      `${at}: sft.media.listenIp is every address; say in sft.media.announcedIp which one others reach.`,
    ]);
  });

  it('of a password in the URL of the database does not show it', async () => {
    const [text, at] = changed('#database: postgresql://hawser@db.alpha.example/hawser', '#database: "postgresql:"');
    const found = await mistakesIn(
      text.replace('#database: "postgresql:"', 'database: postgresql://hawser:opensesame@db/hawser'),
    );
    expect(found).toEqual([
      expect.stringMatching(new RegExp(`^${at}: homeserver.database: there is a password in it`)),
    ]);
    expect(found.join()).not.toContain('opensesame');
  });

  it('of a password that is for no database', async () => {
    const [text] = changed('#databasePasswordFile: secrets/database', '#databasePasswordFile: secrets/database');
    const alone = text.replace('#databasePasswordFile', 'databasePasswordFile');
    expect(await mistakesIn(alone)).toEqual([
      expect.stringContaining('is for homeserver.database, which is not there.'),
    ]);
  });

  it('that pastes a key does not show it', async () => {
    const key = '-----BEGIN PRIVATE KEY-----\n      c2VjcmV0\n      -----END PRIVATE KEY-----';
    const [text] = changed('key: certificates/sft.key', `key: |\n      ${key}`);
    const found = await mistakesIn(text);
    expect(found).toEqual([expect.stringContaining('this is the path of a file, not its content.')]);
    expect(found.join()).not.toContain('c2VjcmV0');
  });

  it('is an alias, which could make a small file endless', async () => {
    const [text] = changed('listen: 0.0.0.0:8443', 'listen: *other');
    expect(await mistakesIn(text)).not.toEqual([]);
  });
});

describe('the files', () => {
  it('are only those of the server that runs here', async () => {
    const text = sample.replace('certificates/sft.pem', 'elsewhere.pem').replace('tickets.pem', 'elsewhere.pem');
    expect(await mistakesIn(text, ['homeserver'])).toEqual([]);
    expect(await mistakesIn(text, ['sft'])).toHaveLength(2);
    expect(await mistakesIn(text, [])).toEqual([]);
  });

  it('are refused where everybody may read a key', async () => {
    const key = join(folder, 'certificates/sft.key');
    await chmod(key, 0o644);
    expect(await mistakesIn(sample)).toEqual([expect.stringContaining(`may use the key ${key}. Run: chmod 600`)]);
    await chmod(key, 0o640);
    expect(await mistakesIn(sample)).toEqual([]);
  });

  it('are refused where everybody may read a password', async () => {
    const password = join(folder, 'secrets/database');
    const text = sample.replace('#database:', 'database:').replace('#databasePasswordFile', 'databasePasswordFile');
    await chmod(password, 0o644);
    expect(await mistakesIn(text)).toEqual([
      expect.stringContaining(`may read the password in ${password}. Run: chmod`),
    ]);
    expect(await mistakesIn(text, ['sft'])).toEqual([]);
    await chmod(password, 0o600);
    expect((await load(text)).homeserver.databasePasswordFile).toBe(password);
  });

  it('are refused where everybody may read the password of the mail server', async () => {
    const password = join(folder, 'mail.password');
    const text = sample.replaceAll(/^( *)#(?! )(.*)$/gm, '$1$2');
    await chmod(password, 0o644);
    expect(await mistakesIn(text)).toEqual([
      expect.stringContaining(`may read the password in ${password}. Run: chmod 600`),
    ]);
    await chmod(password, 0o600);
    expect(await mistakesIn(text)).toEqual([]);
  });

  it.each(['certificates/s3.key', 'secrets/turn'])(
    'are refused where everybody may read the secrets in %s',
    async (name) => {
      const secrets = join(folder, name);
      await chmod(secrets, 0o644);
      expect(await mistakesIn(sample.replaceAll(/^( *)#(?! )(.*)$/gm, '$1$2'))).toEqual([
        expect.stringContaining(`may read the secrets in ${secrets}. Run: chmod 600`),
      ]);
      await chmod(secrets, 0o600);
    },
  );

  it('one of them may be the site itself that is missing', async () => {
    await expect(loadSite(join(folder, 'nowhere.yaml'))).rejects.toThrow(/nowhere\.yaml:1:1: There is no such file\./);
  });
});

describe('whatever the file holds', () => {
  it('the reader says what is wrong and does not fail', () => {
    const mutated = fc
      .tuple(fc.nat(sample.length), fc.nat(80), fc.string({ maxLength: 20 }))
      .map(([at, cut, put]) => sample.slice(0, at) + put + sample.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), mutated), (text) => {
        const { value, mistakes } = readYaml(SiteSchema, text);
        expect(value === undefined).toBe(mistakes.length > 0);
        for (const { line, message } of mistakes) {
          expect(line).toBeGreaterThan(0);
          expect(message).not.toContain('\n');
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['nothing', ''],
    ['brackets without end', '['.repeat(50_000)],
    ['braces without end', '{a: '.repeat(20_000)],
    ['10 MB', 'x'.repeat(10_000_000)],
    ['a key of the prototype', '__proto__: {domain: alpha.example}'],
    ['references that grow', `a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\ndomain: *c`],
  ])('it is refused: %s', (_what, text) => {
    const cost = costOf(() => expect(readYaml(SiteSchema, text).mistakes.length).toBeGreaterThan(0));
    expect(cost).toBeLessThan(2_000);
  });
});
