import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { outcome } from '../setup/program.ts';
import { ensureWorker } from '../setup/worker.ts';
import { selfTest } from './self-test.ts';

const worker = await ensureWorker();
const shimTest = join(dirname(worker), 'srtp3-test');
// A downloaded worker has the real libsrtp 3 in it and comes without the test of the shim.
const hasShim = await access(shimTest).then(
  () => true,
  () => false,
);

test('the media worker carries a packet over DTLS and SRTP, and over a trunk', async () => {
  await selfTest(worker);
});

test('a program that is no media worker is found out', async () => {
  await expect(selfTest('/bin/false')).rejects.toThrow('the worker starts failed');
});

test.runIf(hasShim)('the SRTP shim gives the known packets, and refuses what it has to refuse', async () => {
  const { code, stdout } = await outcome(shimTest, []);
  expect(stdout).toMatch(/^srtp3-test: \d+ checks, 0 failed$/);
  expect(code).toBe(0);
});
