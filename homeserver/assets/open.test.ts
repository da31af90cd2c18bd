import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Organisation, organise, type World } from '../testing/organisation.ts';
import { FolderStore } from './folder.ts';
import { openAssetStore } from './open.ts';
import { S3Store } from './s3.ts';
import { collect, sha256, someBytes, streamOf } from './testing/bytes.ts';
import { FakeS3 } from './testing/fake-s3.ts';

const NAME = '0123456789abcdef0123456789abcdef';
let folder: string;
let world: World;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-assets-'));
  world = await organise('alpha.example');
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

it('opens what the configuration names, with credentials from their file', async () => {
  const [{ site }] = world.organisations as [Organisation];
  expect(await openAssetStore(site)).toBeInstanceOf(FolderStore);
  await using service = await FakeS3.start();
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = service;
  const credentials = join(folder, 's3.key');
  const { homeserver } = site;
  const s3 = { endpoint, region, bucket, credentials };
  const withS3 = { ...site, homeserver: { ...homeserver, assets: { ...homeserver.assets, s3 } } };

  for (const wrong of ['', 'one line', 'a\nb\nc']) {
    await writeFile(credentials, wrong);
    await expect(openAssetStore(withS3)).rejects.toThrow('must hold two lines');
  }
  await writeFile(credentials, `${accessKeyId}\n  ${secretAccessKey}\n`);
  const store = await openAssetStore(withS3);
  expect(store).toBeInstanceOf(S3Store);
  const bytes = someBytes(1_000);
  await store.append(NAME, 0, streamOf(bytes));
  await store.finish(NAME, { size: bytes.length, sha256: sha256(bytes) });
  expect((await collect(await store.read(NAME, { from: 0, to: 999 }))).equals(bytes)).toBe(true);
  expect(service.objects.get(NAME)?.body.equals(bytes)).toBe(true);
});
