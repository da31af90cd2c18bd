import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeTestDomain } from '#trust/testing.ts';
import { fingerprintsOf } from './administration.ts';

test('shows the fingerprint that the other administrator sees, of every certificate of the text', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [beta, gamma] = [await makeTestDomain(folder, 'beta.example'), await makeTestDomain(folder, 'gamma.example')];
  const pems = [await readFile(beta.authority, 'utf8'), await readFile(gamma.authority, 'utf8')];
  expect(await fingerprintsOf(pems.join('\n'))).toEqual(pems.map((pem) => new X509Certificate(pem).fingerprint256));
  expect(await fingerprintsOf('no certificate')).toEqual([]);
  expect(await fingerprintsOf('-----BEGIN CERTIFICATE-----\nA===A\n-----END CERTIFICATE-----')).toEqual([]);
});
