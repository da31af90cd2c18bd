import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { repository } from '#cli/setup/packages.ts';
import { findProgram, outcome } from '#cli/setup/program.ts';

const UNITS = ['hawser-homeserver.service', 'hawser-sft.service'];
/** Of 10. What systemd 252 says; what is left is the network, sockets of the machine, and the machine code of V8. */
const EXPOSURE = 1.3;
/** With a right over ports, and without a user namespace of its own. */
const EXPOSURE_AT_PORT_443 = 1.6;

const analyze = await findProgram('systemd-analyze');
if (analyze === undefined) console.warn('not tried: the units, because there is no systemd-analyze here.');

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-units-'));
  await cp(import.meta.dirname, folder, { recursive: true });
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** systemd-analyze on the units of the folder, and of this system. */
function run(...args: string[]) {
  return outcome(analyze ?? 'systemd-analyze', args, { env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` } });
}

async function exposureOf(unit: string): Promise<number> {
  const { stdout, tail } = await run('security', '--offline=true', unit);
  const [, exposure] = /exposure level for \S+: ([\d.]+)/.exec(stdout) ?? [];
  expect(exposure, tail).toBeDefined();
  return Number(exposure);
}

test.skipIf(!analyze)('systemd finds nothing wrong with them', async () => {
  for (const unit of UNITS) {
    // The place of an installation; this one stands elsewhere.
    const text = await readFile(join(folder, unit), 'utf8');
    await writeFile(join(folder, unit), text.replaceAll('/opt/hawser/', `${repository}/`));
  }
  expect(await run('verify', ...UNITS.map((unit) => join(folder, unit)))).toMatchObject({ code: 0, tail: '' });
});

test.skipIf(!analyze)('they may do no more than was decided', async () => {
  for (const unit of UNITS) expect(await exposureOf(unit), unit).toBeLessThanOrEqual(EXPOSURE);
  // The shared file is what keeps it so.
  await rm(join(folder, 'hawser-.service.d'), { recursive: true });
  for (const unit of UNITS) expect(await exposureOf(unit), unit).toBeGreaterThan(8);
});

test.skipIf(!analyze)('the right to listen on port 443 is the only one that its drop-in gives', async () => {
  const dropIns = join(folder, 'hawser-homeserver.service.d');
  await mkdir(dropIns);
  await copyFile(join(folder, 'port-443.conf'), join(dropIns, 'port-443.conf'));
  expect(await exposureOf('hawser-homeserver.service')).toBeLessThanOrEqual(EXPOSURE_AT_PORT_443);
  expect(await exposureOf('hawser-sft.service')).toBeLessThanOrEqual(EXPOSURE);
});
