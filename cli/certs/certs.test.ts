import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseDomainName } from '#signalling/ids.ts';
import { Credentials } from '#trust/credentials.ts';
import { issueServer } from '#trust/issue.ts';
import { validityFrom } from '#trust/issuing.ts';
import { certsInit, certsRenew, certsRevoke, certsShow } from '../certs.ts';
import type { Command } from '../command.ts';

let root: string;
let folder: string;
let out: string[];
let err: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hawser-'));
  folder = join(root, 'alpha');
  await run(certsInit, '--domain', 'alpha.example', '--out', folder);
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function run(command: Command, ...argv: string[]): Promise<number> {
  out = [];
  err = [];
  const { signal } = new AbortController();
  return command.execute(argv, { out: (line) => out.push(line), err: (line) => err.push(line), signal });
}

const read = (name: string) => readFile(join(folder, name), 'utf8');

it('makes files with which a server can start, and nobody else reads the keys', async () => {
  const domain = parseDomainName('alpha.example');
  if (domain === undefined) throw new Error();
  for (const role of ['homeserver', 'sft']) {
    const credentials = await Credentials.open({
      domain,
      authority: join(folder, 'authority.pem'),
      revocationList: join(folder, 'revoked.pem'),
      certificate: join(folder, `${role}.pem`),
      key: join(folder, `${role}.key`),
    });
    credentials.close();
  }
  for (const key of ['authority.key', 'homeserver.key', 'sft.key', 'tickets.key', 'devices-root.key', 'devices.key']) {
    expect((await stat(join(folder, key))).mode & 0o777).toBe(0o600);
  }
});

it('overwrites nothing', async () => {
  const before = await read('authority.pem');
  await expect(run(certsInit, '--domain', 'beta.example', '--out', folder)).rejects.toThrow(/is not empty/);
  expect(await read('authority.pem')).toBe(before);
});

it('takes no name that is no domain, or that would be the name of an SFT', async () => {
  for (const domain of ['alpha', '10.0.0.1', 'sft.alpha.example', '-x.example']) {
    await expect(run(certsInit, `--domain=${domain}`, '--out', join(root, 'new'))).rejects.toThrow();
  }
});

it('says when each certificate ends', async () => {
  expect(await run(certsShow, folder)).toBe(0);
  expect(out.map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
    ['FILE', 'NAME'],
    ['authority.pem', 'the authority'],
    ['homeserver.pem', 'alpha.example'],
    ['sft.pem', 'sft.alpha.example'],
    ['devices-root.pem', 'the root of devices'],
    ['devices.pem', 'certifies devices'],
  ]);
  expect(err).toEqual([]);
});

it('warns of one that ends soon, and is content after it is renewed', async () => {
  const authority = { certificate: await read('authority.pem'), key: await read('authority.key') };
  const domain = parseDomainName('alpha.example');
  if (domain === undefined) throw new Error();
  const soon = validityFrom(Date.now(), 12.5 * 24 * 60 * 60 * 1000);
  await writeFile(join(folder, 'sft.pem'), (await issueServer(authority, domain, 'sft', soon)).certificate);
  expect(await run(certsShow, folder)).toBe(1);
  expect(err).toEqual(['sft.pem: It ends in 12 days. Renew it: hawser certs renew']);

  const homeserver = await read('homeserver.pem');
  expect(await run(certsRenew, folder, '--only', 'sft')).toBe(0);
  expect(await run(certsShow, folder, '--json')).toBe(0);
  expect(JSON.parse(out.join('')).certificates).toMatchObject([
    {},
    {},
    { file: 'sft.pem', days: 396, revoked: false },
    {},
    {},
  ]);
  expect(await read('homeserver.pem')).toBe(homeserver);
});

it('renews what certifies devices without a new key, and makes it where there was none', async () => {
  const [certificate, key] = [await read('devices.pem'), await read('devices.key')];
  expect(await run(certsRenew, folder, '--only', 'devices')).toBe(0);
  expect(out[0]).toMatch(/^devices.pem is new and ends on /);
  expect(await read('devices.pem')).not.toBe(certificate);
  expect(await read('devices.key')).toBe(key);
  for (const name of ['devices-root.key', 'devices-root.pem', 'devices.pem', 'devices.key'])
    await rm(join(folder, name));
  await run(certsRenew, folder, '--only', 'devices');
  expect(await run(certsShow, folder)).toBe(0);
});

it('revokes by file and by serial, keeps what was revoked before, and shows it', async () => {
  await run(certsRevoke, folder, join(folder, 'sft.pem'));
  await run(certsShow, folder, '--json');
  const { serial } = JSON.parse(out.join('')).certificates[1];
  await run(certsRevoke, folder, serial);
  expect(out).toEqual([`${folder}/revoked.pem names 2 certificates. Give it to the other domains.`]);
  await run(certsRevoke, folder);
  expect(out[0]).toContain('names 2 certificates');
  expect(await run(certsShow, folder)).toBe(1);
  expect(err).toHaveLength(2);
  await expect(run(certsRevoke, folder, 'nowhere')).rejects.toThrow(/neither a file nor a serial/);
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

it.skipIf(!hasOpenssl)('makes what OpenSSL understands', async () => {
  await run(certsRevoke, folder, join(folder, 'sft.pem'));
  const verify = (name: string) =>
    execFileSync(
      'openssl',
      ['verify', '-x509_strict', '-crl_check', '-CAfile', 'authority.pem', '-CRLfile', 'revoked.pem', `${name}.pem`],
      { cwd: folder, stdio: 'pipe', encoding: 'utf8' },
    );
  expect(verify('homeserver')).toBe('homeserver.pem: OK\n');
  expect(() => verify('sft')).toThrow(/certificate revoked/);
});
