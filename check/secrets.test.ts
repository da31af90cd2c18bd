import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '#trust/testing-folder.ts';
import type { Facts } from './facts.ts';
import { gather } from './gather.ts';
import { checkSecrets } from './secrets.ts';
import { HAWSER_YAML, MACHINE, makeTestSite, type TestSite } from './testing.ts';

const folder = temporaryFolder();
let site: TestSite;
beforeAll(async () => {
  site = await makeTestSite(folder);
  await writeFile(site.path, HAWSER_YAML);
});

const facts = async (): Promise<Facts> => (await gather(site.path, ['homeserver'], MACHINE, Date.now())).facts;

it('refuses a folder for data that the homeserver may not write, or may not make', async () => {
  const all = await facts();
  const data = all.data && { ...all.data, isWritable: false };
  expect(checkSecrets({ ...all, data })).toMatchObject([
    { severity: 'error', line: 2, path: 'data', reason: `data: this user may not write in ${join(folder, 'data')}.` },
  ]);
  const above = data && { ...data, path: folder };
  expect(checkSecrets({ ...all, data: above })).toMatchObject([
    { reason: `data: this user may not make ${join(folder, 'data')} in ${folder}.` },
  ]);
});

it.skipIf(process.getuid?.() !== 0)(
  'warns of a key that belongs to another user than root and the own one',
  async () => {
    await chown(site.alpha.homeserver.key, 4_242, 0);
    expect(checkSecrets(await facts())).toMatchObject([
      { severity: 'warning', path: 'certificates.homeserver.key', remedy: `Run: chown 0 ${site.alpha.homeserver.key}` },
    ]);
    const { machine, ...others } = await facts();
    expect(checkSecrets({ ...others, machine: { ...machine, uid: 4_242 } })).toEqual([]);
    // An administrator who looks as root is not told that the keys are not his.
    await chown(join(folder, 'data'), 4_242, 0);
    expect(checkSecrets(await facts())).toEqual([]);
  },
);
