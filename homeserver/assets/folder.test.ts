import { mkdir, mkdtemp, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderStore } from './folder.ts';
import { collect, sha256, someBytes, streamOf } from './testing/bytes.ts';

const NAME = '0123456789abcdef0123456789abcdef';
let folder: string;
let store: FolderStore;
const path = () => join(folder, '01', '23', NAME);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-assets-'));
  store = new FolderStore({ folder, keepFree: 0 });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('an upload in a folder', () => {
  it('grows at any offset, becomes a file, and is read in ranges', async () => {
    const bytes = someBytes(300_000);
    expect(await store.size(NAME)).toBeUndefined();
    expect(await store.append(NAME, 0, streamOf(bytes.subarray(0, 100_000)))).toEqual({ stored: 100_000 });
    expect(await store.append(NAME, 100_000, streamOf(bytes.subarray(100_000)))).toEqual({ stored: 200_000 });
    expect(await store.size(NAME)).toBe(300_000);
    await expect(store.read(NAME, { from: 0, to: 1 })).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    await store.finish(NAME, { size: 300_000, sha256: sha256(bytes) });
    await store.finish(NAME, { size: 300_000, sha256: sha256(bytes) });
    expect((await collect(await store.read(NAME, { from: 0, to: 299_999 }))).equals(bytes)).toBe(true);
    expect((await collect(await store.read(NAME, { from: 7, to: 7 }))).equals(bytes.subarray(7, 8))).toBe(true);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, '01'))).mode & 0o777).toBe(0o700);
    await store.remove(NAME);
    await store.remove(NAME);
    expect(await store.size(NAME)).toBeUndefined();
  });

  it('keeps what came before the connection broke, and goes on', async () => {
    const bytes = someBytes(200_000);
    const broken = await store.append(NAME, 0, streamOf(bytes, { breakAt: 70_000 }));
    expect(broken).toMatchObject({ stored: 70_000, failure: { code: 'ECONNRESET' } });
    await store.append(NAME, 70_000, streamOf(bytes.subarray(70_000)));
    await store.finish(NAME, { size: 200_000, sha256: sha256(bytes) });
  });

  it('is written over from the byte that counts, also where a crash left more', async () => {
    const bytes = someBytes(1_000);
    await store.append(NAME, 0, streamOf(someBytes(1_500)));
    await store.append(NAME, 0, streamOf(bytes));
    await store.finish(NAME, { size: 1_000, sha256: sha256(bytes) });
    expect((await stat(path())).size).toBe(1_000);
  });

  it('is no file where bytes are missing or wrong', async () => {
    const bytes = someBytes(1_000);
    const expected = { size: 1_000, sha256: sha256(bytes) };
    await expect(store.finish(NAME, expected)).rejects.toMatchObject({ code: 'HOME_ASSET_INCOMPLETE' });
    await store.append(NAME, 0, streamOf(bytes.subarray(0, 999)));
    await expect(store.finish(NAME, expected)).rejects.toMatchObject({ code: 'HOME_ASSET_INCOMPLETE' });
    await store.append(NAME, 999, streamOf(Buffer.from([(bytes[999] ?? 0) ^ 1])));
    await expect(store.finish(NAME, expected)).rejects.toMatchObject({ code: 'HOME_ASSET_HASH' });
    await truncate(`${path()}.part`, 10);
    await expect(store.finish(NAME, expected)).rejects.toMatchObject({ code: 'HOME_ASSET_INCOMPLETE' });
  });

  it('takes whatever order of parts, cuts and repeats leads to the whole', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ length: fc.integer({ min: 1, max: 5_000 }), back: fc.nat(3_000), isCut: fc.boolean() }), {
          minLength: 1,
          maxLength: 12,
        }),
        async (steps) => {
          const bytes = someBytes(20_000);
          await store.remove(NAME);
          let at = 0;
          for (const { length, back, isCut } of steps) {
            const from = Math.max(0, at - back);
            const part = bytes.subarray(from, from + length);
            const options = isCut ? { piece: 700, breakAt: Math.ceil(part.length / 2) } : { piece: 700 };
            at = from + (await store.append(NAME, from, streamOf(part, options))).stored;
          }
          await store.append(NAME, at, streamOf(bytes.subarray(at)));
          await store.finish(NAME, { size: bytes.length, sha256: sha256(bytes) });
          expect((await collect(await store.read(NAME, { from: 0, to: bytes.length - 1 }))).equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 25 },
    ));
});

describe('a full disk', () => {
  it('is a coded refusal before the room that must stay free is touched', async () => {
    let free = 10_000;
    const small = new FolderStore({ folder, keepFree: 9_000, freeOf: async () => free });
    await small.append(NAME, 0, streamOf(someBytes(500)));
    await expect(small.refuseFull(1_001)).rejects.toMatchObject({ code: 'HOME_ASSET_NO_ROOM', retry: true });
    await small.refuseFull(1_000);
    free = 8_999;
    await expect(small.append(NAME, 500, streamOf(someBytes(500)))).rejects.toMatchObject({
      code: 'HOME_ASSET_NO_ROOM',
    });
    expect(await small.size(NAME)).toBe(500);
  });

  it('that says so in the middle of a part is told apart from a lost connection', async () => {
    await mkdir(join(folder, '01', '23'), { recursive: true });
    // Every write to it fails with ENOSPC.
    await symlink('/dev/full', `${path()}.part`);
    const { stored, failure } = await store.append(NAME, 0, streamOf(someBytes(1_000)));
    expect(stored).toBe(0);
    expect(failure).toMatchObject({ code: 'HOME_ASSET_NO_ROOM' });
  });
});

it('lists uploads and files, and nothing that is not ours', async () => {
  const other = 'f'.repeat(32);
  await store.append(NAME, 0, streamOf(someBytes(1)));
  await store.append(other, 0, streamOf(Buffer.from('a')));
  await store.finish(other, { size: 1, sha256: sha256(Buffer.from('a')) });
  await writeFile(join(folder, '01', '23', 'notes.txt'), 'x');
  await writeFile(join(folder, 'README'), 'x');
  const names: string[] = [];
  for await (const { name, modified } of store.list()) {
    expect(Math.abs(modified - Date.now())).toBeLessThan(60_000);
    names.push(name);
  }
  expect(names.sort()).toEqual([NAME, other]);
  expect(await readdir(folder)).toContain('README');
});

it('makes no path of what is not a name', async () => {
  for (const name of ['../../etc/passwd', NAME.toUpperCase(), `${NAME}/x`, '']) {
    await expect(store.append(name, 0, streamOf(someBytes(1)))).rejects.toThrow(RangeError);
    await expect(store.remove(name)).rejects.toThrow(RangeError);
  }
});
