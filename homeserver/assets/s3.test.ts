import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderStore } from './folder.ts';
import { S3Store } from './s3.ts';
import { S3Client } from './s3-client.ts';
import { collect, sha256, someBytes, streamOf } from './testing/bytes.ts';
import { FakeS3 } from './testing/fake-s3.ts';

const NAME = '0123456789abcdef0123456789abcdef';
let folder: string;
let service: FakeS3;
let store: S3Store;

const open = () => new S3Store(new S3Client(service), new FolderStore({ folder, keepFree: 0 }));
const parts = async () => (await readdir(folder, { recursive: true })).filter((name) => name.includes(NAME));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-assets-'));
  service = await FakeS3.start();
  store = open();
});
afterEach(async () => {
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function uploaded(size: number) {
  const bytes = someBytes(size);
  await store.append(NAME, 0, streamOf(bytes));
  return { bytes, expected: { size, sha256: sha256(bytes) } };
}

describe('an upload to an S3-compatible service', () => {
  it.each([
    ['one request', 1_000, 0],
    ['parts', 20_000_000, 3],
  ])('moves in %s when it is complete, and is read in ranges', async (_what, size, count) => {
    const { bytes, expected } = await uploaded(size);
    expect(service.objects.size).toBe(0);
    await store.finish(NAME, expected);
    expect(service.calls.filter((call) => call.includes('partNumber')).length).toBe(count);
    expect([service.objects.size, service.multiparts.size]).toEqual([1, 0]);
    expect(await parts()).toEqual([]);
    expect(await store.size(NAME)).toBe(size);
    expect((await collect(await store.read(NAME, { from: 0, to: size - 1 }))).equals(bytes)).toBe(true);
    expect((await collect(await store.read(NAME, { from: 10, to: 19 }))).equals(bytes.subarray(10, 20))).toBe(true);
    await store.finish(NAME, expected);
    await store.remove(NAME);
    await expect(store.read(NAME, { from: 0, to: 1 })).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  });

  it('does not move what is not what was sent', async () => {
    const { expected } = await uploaded(1_000);
    const wrong = { ...expected, sha256: sha256(someBytes(1)) };
    await expect(store.finish(NAME, wrong)).rejects.toMatchObject({ code: 'HOME_ASSET_HASH' });
    expect(service.objects.size).toBe(0);
    await store.finish(NAME, expected);
    await expect(store.finish(NAME, wrong)).rejects.toMatchObject({ code: 'HOME_ASSET_HASH' });
  });

  it.each([
    ['the begin', /POST .*uploads=/],
    ['a part', /partNumber=2/],
    ['the end', /POST .*uploadId=/],
    ['the last look', /HEAD/],
  ])('that fails at %s loses nothing, leaves nothing half done, and succeeds the next time', async (_what, match) => {
    const { bytes, expected } = await uploaded(20_000_000);
    service.failures.push({ match, status: 403 });
    await expect(store.finish(NAME, expected)).rejects.toMatchObject({ code: 'HOME_ASSET_STORE', retry: true });
    expect(service.multiparts.size).toBe(0);
    service.failures.push({ match, status: 'drop' });
    await expect(store.finish(NAME, expected)).rejects.toMatchObject({ code: 'HOME_ASSET_STORE' });
    // As after a crash: another process, the same folder.
    store = open();
    await store.finish(NAME, expected);
    expect((await collect(await store.read(NAME, { from: 0, to: 19_999_999 }))).equals(bytes)).toBe(true);
    expect([service.objects.size, service.multiparts.size, await parts()]).toEqual([1, 0, []]);
  });

  it('rides out a service that is busy for a moment', async () => {
    const { expected } = await uploaded(1_000);
    service.failures.push({ match: /PUT/, status: 503 }, { match: /PUT/, status: 500 });
    await store.finish(NAME, expected);
    expect(service.objects.size).toBe(1);
  });

  it('says so where the keys are wrong or the service is away', async () => {
    const { expected } = await uploaded(1_000);
    const stranger = new S3Client({
      endpoint: service.endpoint,
      bucket: service.bucket,
      region: service.region,
      accessKeyId: service.accessKeyId,
      secretAccessKey: 'wrong',
    });
    const refused = new S3Store(stranger, new FolderStore({ folder, keepFree: 0 }));
    await expect(refused.finish(NAME, expected)).rejects.toMatchObject({ code: 'HOME_ASSET_STORE' });
    await store.finish(NAME, expected);
    await service[Symbol.asyncDispose]();
    await expect(store.read(NAME, { from: 0, to: 1 })).rejects.toMatchObject({ code: 'HOME_ASSET_STORE' });
  });
});

it('lists everything, page by page, and gives up old moves that were cut off', async () => {
  const names = ['a', 'b', 'c', 'd', 'e'].map((digit) => digit.repeat(32));
  for (const name of names)
    service.objects.set(name, { body: Buffer.from('x'), headers: {}, modified: new Date(5_000) });
  service.objects.set('not-ours', { body: Buffer.from('x'), headers: {}, modified: new Date() });
  await store.append(NAME, 0, streamOf(someBytes(1)));
  const found = new Map<string, number>();
  for await (const { name, modified } of store.list()) found.set(name, modified);
  expect([...found.keys()].sort()).toEqual([NAME, ...names]);
  expect(found.get('a'.repeat(32))).toBe(5_000);

  service.multiparts.set('old', { key: NAME, headers: {}, begun: new Date(1_000), parts: new Map() });
  service.multiparts.set('new', { key: NAME, headers: {}, begun: new Date(), parts: new Map() });
  await store.tidy(10_000);
  expect([...service.multiparts.keys()]).toEqual(['new']);
});
