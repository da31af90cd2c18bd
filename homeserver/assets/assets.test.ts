/** The service on a real database and a real folder: policy, quotas, time, and crashes between any two steps. */
import { mkdtemp, readdir, rm, truncate, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ASSET_KINDS, type AssetKind, sealedSize } from '#signalling/assets.ts';
import type { AssetId, UserId } from '#signalling/ids.ts';
import type { Store } from '../store/store.ts';
import { domain, openTestStore, type TestWorld, testWorld, until, user } from '../testing/world.ts';
import { Assets } from './assets.ts';
import { FolderStore } from './folder.ts';
import type { AssetRules } from './rules.ts';
import type { AssetStore } from './store.ts';
import { collect, sha256, someBytes, streamOf } from './testing/bytes.ts';

const alice = user('@alice@alpha.example');
const bob = user('@bob@alpha.example');
const HOUR = 3_600_000;
/** The clock of the test is not the disk's; after this everything on the disk is old. */
const A_CENTURY = 100 * 365 * 24 * HOUR;
const RULES: AssetRules = {
  maxBytes: 1_000_000,
  kinds: ASSET_KINDS,
  userBytes: 3_000_000,
  totalBytes: 5_000_000,
  stalledMs: 24 * HOUR,
  keepDays: undefined,
};

let folder: string;
let store: Store;
let world: TestWorld;
let files: FolderStore;
let assets: Assets;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-assets-'));
  store = await openTestStore();
  world = testWorld();
  files = new FolderStore({ folder, keepFree: 0 });
  assets = open();
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const open = (rules: Partial<AssetRules> = {}, on: AssetStore = files) =>
  new Assets({ store, files: on, domain: domain('alpha.example'), rules: { ...RULES, ...rules }, world });
let requests = 0;
const requestOf = (n: number) => String(n).padStart(22, 'A');
const begin = (who: UserId, size: number, kind: AssetKind = 'image', service = assets) => {
  requests += 1;
  return service.create(who, { request: requestOf(requests), size, kind });
};
const add = (who: UserId, asset: AssetId, offset: number, bytes: Buffer, options = {}) =>
  assets.append(who, asset, { offset, length: bytes.length, bytes: streamOf(bytes, options) });
async function sent(who: UserId, bytes: Buffer, service = assets): Promise<AssetId> {
  const { asset } = await begin(who, bytes.length, 'image', service);
  await service.append(who, asset, { offset: 0, length: bytes.length, bytes: streamOf(bytes) });
  await service.complete(who, asset, sha256(bytes));
  return asset;
}
const fetched = async (asset: AssetId, range?: string) => collect((await assets.open(asset, range)).bytes);
const onDisk = async () =>
  (await readdir(folder, { recursive: true, withFileTypes: true })).filter((each) => each.isFile()).length;

describe('an upload', () => {
  it('grows, is complete, and can be fetched, whole or in part', async () => {
    const bytes = someBytes(100_000);
    const { asset, ...rest } = await begin(alice, bytes.length);
    expect(asset).toMatch(/^mimi:\/\/alpha\.example\/a\/[\w-]{22}$/);
    expect(rest).toEqual({ size: 100_000, received: 0, expires: world.now() + 24 * HOUR });
    expect(await add(alice, asset, 0, bytes.subarray(0, 60_000))).toMatchObject({ received: 60_000 });
    expect(await assets.progress(alice, asset)).toMatchObject({ received: 60_000 });
    await expect(assets.open(asset)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    await expect(assets.complete(alice, asset, sha256(bytes))).rejects.toMatchObject({ code: 'HOME_ASSET_INCOMPLETE' });
    await add(alice, asset, 60_000, bytes.subarray(60_000));
    const done = await assets.complete(alice, asset, sha256(bytes));
    expect(done).toEqual({ asset, size: 100_000, received: 100_000, sha256: sha256(bytes) });
    expect(await assets.complete(alice, asset, sha256(bytes))).toEqual(done);
    expect((await fetched(asset)).equals(bytes)).toBe(true);
    expect((await fetched(asset, 'bytes=-3')).equals(bytes.subarray(-3))).toBe(true);
    expect(await assets.usage()).toEqual({ bytes: 100_000, uploads: 0 });
  });

  it('is found again by its request, and by no other size or kind', async () => {
    const wish = { request: requestOf(0), size: 5, kind: 'image' } as const;
    const first = await assets.create(alice, wish);
    expect(await assets.create(alice, wish)).toEqual(first);
    const [one, two] = await Promise.all([1, 2].map(() => assets.create(bob, wish)));
    expect(one).toEqual(two);
    expect(one?.asset).not.toBe(first.asset);
    expect(await assets.usage()).toEqual({ bytes: 10, uploads: 2 });
    await expect(assets.create(alice, { ...wish, size: 6 })).rejects.toMatchObject({ code: 'HOME_ASSET_CONFLICT' });
    await expect(assets.create(alice, { ...wish, kind: 'text' })).rejects.toMatchObject({
      code: 'HOME_ASSET_CONFLICT',
    });
  });

  it('goes on at its byte only, and takes no more than was declared', async () => {
    const { asset } = await begin(alice, 10);
    await add(alice, asset, 0, Buffer.from('01234'));
    for (const offset of [0, 4, 6, 10, Number.MAX_SAFE_INTEGER]) {
      await expect(add(alice, asset, offset, Buffer.from('x'))).rejects.toMatchObject({
        code: 'HOME_ASSET_OFFSET',
        received: 5,
      });
    }
    await expect(add(alice, asset, 5, Buffer.from('567890'))).rejects.toMatchObject({ code: 'HOME_BAD_REQUEST' });
    // Who announces less than comes gets no more in.
    await assets.append(alice, asset, { offset: 5, length: 2, bytes: streamOf(Buffer.from('56789abc')) });
    expect(await assets.progress(alice, asset)).toMatchObject({ received: 7 });
  });

  it('keeps what came before the connection broke', async () => {
    const bytes = someBytes(200_000);
    const { asset } = await begin(alice, bytes.length);
    await expect(add(alice, asset, 0, bytes, { breakAt: 150_000 })).rejects.toMatchObject({ code: 'SIG_CLOSED' });
    expect(await assets.progress(alice, asset)).toMatchObject({ received: 150_000 });
    await add(alice, asset, 150_000, bytes.subarray(150_000));
    await assets.complete(alice, asset, sha256(bytes));
  });

  it('goes to the newer of two connections', async () => {
    const bytes = someBytes(100_000);
    const { asset } = await begin(alice, bytes.length);
    // A connection that is dead, of which nobody has told the server.
    const dead = new Readable({ read: () => undefined });
    dead.push(bytes.subarray(0, 50_000));
    const older = assets.append(alice, asset, { offset: 0, length: 100_000, bytes: dead });
    const overtaken = expect(older).rejects.toMatchObject({ code: 'HOME_ASSET_OVERTAKEN' });
    await until(() => dead.readableLength === 0, 'its bytes are taken');
    await expect(add(alice, asset, 0, bytes)).rejects.toMatchObject({ code: 'HOME_ASSET_OFFSET', received: 50_000 });
    await overtaken;
    await add(alice, asset, 50_000, bytes.subarray(50_000));
    await assets.complete(alice, asset, sha256(bytes));
    expect((await fetched(asset)).equals(bytes)).toBe(true);
  });

  it('with another hash is thrown away, and its room is free again', async () => {
    const { asset } = await begin(alice, 5);
    await add(alice, asset, 0, Buffer.from('hello'));
    await expect(assets.complete(alice, asset, sha256(Buffer.from('hallo')))).rejects.toMatchObject({
      code: 'HOME_ASSET_HASH',
    });
    await expect(assets.progress(alice, asset)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    expect([await onDisk(), await assets.usage()]).toEqual([0, { bytes: 0, uploads: 0 }]);
  });

  it('that is complete takes nothing more, and no other hash', async () => {
    const asset = await sent(alice, Buffer.from('hello'));
    await expect(add(alice, asset, 5, Buffer.from('x'))).rejects.toMatchObject({ code: 'HOME_ASSET_COMPLETE' });
    await expect(assets.complete(alice, asset, sha256(Buffer.from('x')))).rejects.toMatchObject({
      code: 'HOME_ASSET_COMPLETE',
    });
    expect((await fetched(asset)).toString()).toBe('hello');
  });

  it('is nobody else’s', async () => {
    const { asset } = await begin(alice, 5);
    await expect(assets.progress(bob, asset)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    await expect(add(bob, asset, 0, Buffer.from('x'))).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    await expect(assets.remove(bob, asset)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    const file = await sent(alice, Buffer.from('hello'));
    await expect(assets.remove(bob, file)).rejects.toMatchObject({ code: 'HOME_FORBIDDEN' });
    await assets.remove(alice, file);
    await expect(assets.open(file)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    await expect(assets.remove(alice, file)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  });
});

describe('the policy', () => {
  it('is told, and every limit is a refusal with a sentence', async () => {
    assets = open({ kinds: ['image'], keepDays: 30 });
    expect(await assets.policy(alice)).toEqual({
      maxBytes: 1_000_000,
      kinds: ['image'],
      quotaBytes: 3_000_000,
      usedBytes: 0,
      maxPartBytes: 16 * 1024 * 1024,
      keepDays: 30,
    });
    await expect(begin(alice, 1_000_500)).rejects.toThrow('Your organisation does not accept files over 1 MB.');
    await expect(begin(alice, 10, 'program')).rejects.toMatchObject({ code: 'HOME_ASSET_KIND' });
    for (let i = 0; i < 3; i++) await begin(alice, 900_000);
    await expect(begin(alice, 900_000)).rejects.toThrow('Your organisation gives you 3 MB for files');
    expect((await assets.policy(alice)).usedBytes).toBe(2_700_000);
    await begin(bob, 900_000);
    await begin(bob, 900_000);
    await expect(begin(bob, 900_000)).rejects.toMatchObject({ code: 'HOME_ASSET_NO_ROOM' });
    expect(await assets.usage()).toEqual({ bytes: 4_500_000, uploads: 5 });
  });

  it('lets a file of exactly the limit through: what encryption adds is not counted', async () => {
    await begin(alice, sealedSize(1_000_000));
    await expect(begin(alice, sealedSize(1_000_000) + 1)).rejects.toMatchObject({ code: 'HOME_ASSET_TOO_LARGE' });
  });

  it('bounds unfinished uploads, of one person at a time', async () => {
    const all = await Promise.all(Array.from({ length: 32 }, () => begin(alice, 1)));
    await expect(begin(alice, 1)).rejects.toThrow('You have 32 unfinished uploads');
    await begin(bob, 1);
    await assets.remove(alice, (all[0] as { asset: AssetId }).asset);
    await begin(alice, 1);
  });
});

describe('time', () => {
  it('throws away uploads that stall, and no others', async () => {
    const stalled = await begin(alice, 10);
    const slow = await begin(alice, 10);
    const file = await sent(alice, Buffer.from('hello'));
    await add(alice, stalled.asset, 0, Buffer.from('x'));
    world.advance(23 * HOUR);
    await add(alice, slow.asset, 0, Buffer.from('x'));
    world.advance(2 * HOUR);
    await assets.sweep();
    await expect(assets.progress(alice, stalled.asset)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    expect(await assets.progress(alice, slow.asset)).toMatchObject({ received: 1 });
    world.advance(1_000 * 24 * HOUR);
    await assets.sweep();
    expect((await fetched(file)).toString()).toBe('hello');
    expect([await onDisk(), await assets.usage()]).toEqual([1, { bytes: 5, uploads: 0 }]);
  });

  it('ends files where the policy says so, as they were promised, and not before the sweep only', async () => {
    const kept = await sent(alice, Buffer.from('hello'));
    const short = await sent(alice, Buffer.from('hello'), open({ keepDays: 1 }));
    world.advance(24 * HOUR);
    await expect(assets.open(short)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    await open({ keepDays: 1 }).sweep();
    expect(await onDisk()).toBe(1);
    expect((await fetched(kept)).toString()).toBe('hello');
  });

  it('removes bytes that belong to nothing, once they are old enough to be sure', async () => {
    const file = await sent(alice, Buffer.from('hello'));
    const orphan = 'ab'.repeat(16);
    await files.append(orphan, 0, streamOf(Buffer.from('x')));
    world.advance(A_CENTURY);
    await assets.sweepOrphans();
    expect(await files.size(orphan)).toBeUndefined();
    await files.append(orphan, 0, streamOf(Buffer.from('x')));
    const young = new Date(world.now());
    await utimes(join(folder, 'ab', 'ab', `${orphan}.part`), young, young);
    await assets.sweepOrphans();
    expect(await files.size(orphan)).toBe(1);
    expect((await fetched(file)).toString()).toBe('hello');
  });
});

describe('a process that ends at any step', () => {
  /** Does nothing any more from the given call on, as a process does that was killed. */
  const dying = (step: string): AssetStore => {
    const die = () => {
      throw new Error('killed');
    };
    return {
      refuseFull: (bytes) => files.refuseFull(bytes),
      append: async (name, offset, bytes) => {
        if (step === 'before the write') die();
        const result = await files.append(name, offset, bytes);
        return step === 'after the write' ? die() : result;
      },
      size: (name) => files.size(name),
      finish: async (name, expected) => {
        if (step === 'before the file is made') die();
        await files.finish(name, expected);
        if (step === 'after the file is made') die();
      },
      read: (name, range) => files.read(name, range),
      remove: async (name) => (step === 'at the removal' ? die() : files.remove(name)),
      list: () => files.list(),
      tidy: () => files.tidy(),
    };
  };

  it.each(['before the write', 'after the write', 'before the file is made', 'after the file is made'])(
    '%s: the next one goes on',
    async (step) => {
      const bytes = someBytes(50_000);
      const { asset } = await begin(alice, bytes.length);
      await add(alice, asset, 0, bytes.subarray(0, 20_000));
      assets = open({}, dying(step));
      const rest = async () => {
        const { received } = await assets.progress(alice, asset);
        if (received < bytes.length) await add(alice, asset, received, bytes.subarray(received));
        return assets.complete(alice, asset, sha256(bytes));
      };
      await expect(rest()).rejects.toThrow('killed');
      await expect(assets.open(asset)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
      assets = open();
      await rest();
      expect((await fetched(asset)).equals(bytes)).toBe(true);
      expect([await onDisk(), await assets.usage()]).toEqual([1, { bytes: 50_000, uploads: 0 }]);
    },
  );

  it('at a removal: the file is gone at once, its bytes later', async () => {
    const asset = await sent(alice, Buffer.from('hello'));
    await expect(open({}, dying('at the removal')).remove(alice, asset)).rejects.toThrow('killed');
    await expect(assets.open(asset)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    expect(await onDisk()).toBe(1);
    world.advance(A_CENTURY);
    await assets.sweepOrphans();
    expect([await onDisk(), await assets.usage()]).toEqual([0, { bytes: 0, uploads: 0 }]);
  });

  it('with a disk that lost what it had: the disk is right, and the device is told', async () => {
    const bytes = someBytes(50_000);
    const { asset } = await begin(alice, bytes.length);
    await add(alice, asset, 0, bytes.subarray(0, 40_000));
    const [part] = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.part'));
    await truncate(join(folder, part ?? ''), 10_000);
    expect(await assets.progress(alice, asset)).toMatchObject({ received: 10_000 });
    await add(alice, asset, 10_000, bytes.subarray(10_000, 20_000));
    expect(await assets.progress(alice, asset)).toMatchObject({ received: 20_000 });
    await add(alice, asset, 20_000, bytes.subarray(20_000));
    await assets.complete(alice, asset, sha256(bytes));
  });

  it('deleted while a part comes: nothing of it stays', async () => {
    const bytes = someBytes(300_000);
    const { asset } = await begin(alice, bytes.length);
    const [adding, removing] = [add(alice, asset, 0, bytes, { piece: 1_000 }), assets.remove(alice, asset)];
    await expect(adding).rejects.toMatchObject({ code: expect.stringMatching(/HOME_ASSET_OVERTAKEN|HOME_NOT_FOUND/) });
    await removing;
    expect([await onDisk(), await assets.usage()]).toEqual([0, { bytes: 0, uploads: 0 }]);
  });
});

it('whatever several devices do at once, a complete file is what its hash says and the room adds up', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ cut: fc.integer({ min: 1, max: 9_999 }), isBroken: fc.boolean() }), {
        minLength: 1,
        maxLength: 10,
      }),
      async (steps) => {
        const bytes = someBytes(10_000);
        const { asset } = await begin(alice, bytes.length);
        await Promise.allSettled(
          steps.map(async ({ cut, isBroken }) => {
            const { received } = await assets.progress(alice, asset);
            const part = bytes.subarray(received, received + cut);
            if (part.length === 0) return;
            await add(alice, asset, received, part, isBroken ? { piece: 500, breakAt: cut / 2 } : { piece: 500 });
          }),
        );
        const { received } = await assets.progress(alice, asset);
        if (received < bytes.length) await add(alice, asset, received, bytes.subarray(received));
        await Promise.all([1, 2, 3].map(() => assets.complete(alice, asset, sha256(bytes))));
        expect((await fetched(asset)).equals(bytes)).toBe(true);
        await assets.remove(alice, asset);
        expect([await onDisk(), await assets.usage()]).toEqual([0, { bytes: 0, uploads: 0 }]);
      },
    ),
    { numRuns: 30 },
  ));
