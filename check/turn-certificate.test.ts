/** What coturn shows, on its own machine: each mistake in a right pair, as it is found by `config check`. */
import { chmod, chown, copyFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { TestCertificateOptions } from '#trust/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { inspectSite } from './check.ts';
import { type Machine, userOf } from './machine.ts';
import { HAWSER_YAML, MACHINE, makeTestSite, type TestSite, TURN_YAML } from './testing.ts';

const folder = temporaryFolder();
const [certificate, key] = [join(folder, 'turn.pem'), join(folder, 'turn.key')];
let site: TestSite;

const ADDRESSES = [...MACHINE.addresses, '198.20.0.8'];
const KEPT = [{ from: 32_768, to: 60_999 }];

beforeAll(async () => {
  site = await makeTestSite(folder);
  const paths = `  certificate: ${certificate}\n  key: ${key}\n`;
  await writeFile(site.path, `${HAWSER_YAML}${TURN_YAML}${paths}`);
});

beforeEach(() => issue());

async function issue(options: TestCertificateOptions = {}): Promise<void> {
  const made = await site.alpha.issue({ names: ['turn.alpha.example'], ...options });
  await rename(made.certificate, certificate);
  await rename(made.key, key);
}

async function inspect(machine: Partial<Machine> = {}) {
  const { findings, unseen } = await inspectSite(site.path, {
    machine: { ...MACHINE, addresses: ADDRESSES, reserved: KEPT, ...machine },
  });
  const lines = findings.map(({ severity, reason }) => `${severity} ${reason.replaceAll(`${folder}/`, '')}`);
  return { lines, remedies: findings.map(({ remedy }) => remedy), unseen };
}

it('says nothing of a right one', async () => {
  expect(await inspect()).toEqual({ lines: [], remedies: [], unseen: [] });
});

it('warns of another name, and of an end', async () => {
  await issue({ names: ['www.alpha.example'] });
  expect((await inspect()).lines).toEqual([
    'warning turn.certificate: it is for www.alpha.example, and browsers come to turn.alpha.example: they refuse it.',
  ]);
  const day = 86_400_000;
  await issue({ notBefore: new Date(Date.now() - 9 * day), notAfter: new Date(Date.now() - 2 * day) });
  expect((await inspect()).lines).toEqual([
    expect.stringMatching(
      /^warning turn\.certificate: the certificate of the TURN server ended on .*: it is refused\.$/,
    ),
  ]);
});

it('warns of a key that does not fit, and lets the homeserver start', async () => {
  await copyFile(key, `${key}.former`);
  await issue();
  await rename(`${key}.former`, key);
  expect((await inspect()).lines).toEqual(['warning turn.key: this key does not belong to the certificate turn.pem.']);
});

it('warns of what is no certificate', async () => {
  await writeFile(certificate, 'later\n');
  expect((await inspect()).lines).toEqual([
    'warning turn.certificate: there is no certificate in turn.pem that can be read: coturn takes nobody over TLS.',
  ]);
});

it('warns of a key that the user of coturn may not read, or that everybody may', async () => {
  const coturn = { name: 'turnserver', uid: 4_242, gids: [4_243] };
  await chmod(key, 0o600);
  const { lines, remedies } = await inspect({ coturn });
  expect(lines).toEqual([
    'warning turn.key: the user of coturn, turnserver, may not read turn.key: coturn takes nobody over TLS.',
  ]);
  expect(remedies).toEqual([`Run: chown turnserver ${key} && chmod u+r ${key}`]);
  await chmod(key, 0o604);
  expect((await inspect({ coturn })).lines).toEqual([
    'warning turn.key: everybody on this machine may use the key turn.key.',
  ]);
});

it.skipIf(process.getuid?.() !== 0)(
  'is content where the user of coturn, or a group of his, may read the key',
  async () => {
    const coturn = { name: 'turnserver', uid: 4_242, gids: [4_243, 4_244] };
    await chown(key, 4_242, 0);
    expect((await inspect({ coturn })).lines).toEqual([]);
    await chown(key, 0, 4_244);
    expect((await inspect({ coturn })).lines).toHaveLength(1);
    await chmod(key, 0o640);
    expect((await inspect({ coturn })).lines).toEqual([]);
  },
);

it('says what it could not look at, and finds nothing wrong in that', async () => {
  const doctor = 'hawser doctor clients looks at what coturn shows.';
  await rm(key);
  expect(await inspect()).toEqual({
    ...{ lines: [], remedies: [] },
    unseen: [`turn.key, ${key}, which is not on this machine. ${doctor}`],
  });
  expect(await inspect({ addresses: MACHINE.addresses })).toEqual({
    ...{ lines: [], remedies: [] },
    unseen: [`The certificate of coturn, which is on another machine. ${doctor}`],
  });
});

it('knows a user of the machine and his groups', () => {
  const users = 'root:x:0:0:root:/root:/bin/bash\nturnserver:x:103:106:turnserver daemon,,,:/:/bin/false\n';
  const groups = 'root:x:0:\nssl-cert:x:110:www-data,turnserver\nturnserver:x:106:\nothers:x:7:myturnserver\n';
  expect(userOf('turnserver', users, groups)).toEqual({ name: 'turnserver', uid: 103, gids: [106, 110] });
  expect(userOf('coturn', users, groups)).toBeUndefined();
  expect(userOf('turnserver', undefined, undefined)).toBeUndefined();
});
