/** Upload and download against a real homeserver, over lines that break off. */
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { SEALED, sealedSize } from '#signalling/assets.ts';
import { HawserError } from '#signalling/errors.ts';
import { Account } from '../account.ts';
import { failureOf } from '../failure.ts';
import type { Attachment } from './attachment.ts';
import { type Bytes, toBase64url } from './base64url.ts';
import { download, downloadFile } from './download.ts';
import { planUpload, resumePlan } from './plan.ts';
import { FlakyProxy } from './testing/flaky-proxy.ts';
import { type Progress, upload } from './upload.ts';

const { chunk } = SEALED;
const about = { name: 'holiday.png', contentType: 'image/png' };
const random = (size: number): Bytes => new Uint8Array(randomBytes(size));
const wait = () => new Promise<void>((resolve) => setImmediate(resolve));

let world: World;
let alpha: Organisation;
let proxy: FlakyProxy;
let alice: Account;
let bob: Account;

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  for (const handle of ['alice', 'bob']) {
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  }
  proxy = await FlakyProxy.start(alpha.url);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});
beforeEach(async () => {
  [alice, bob] = [new Account(proxy.url), new Account(proxy.url)];
  await alice.signIn('alice', PASSWORD);
  await bob.signIn('bob', PASSWORD);
});
afterEach(() => {
  proxy.lifetime = () => Number.POSITIVE_INFINITY;
  proxy.isStalled = false;
  alice[Symbol.dispose]();
  bob[Symbol.dispose]();
});

async function send(bytes: Bytes, options = {}): Promise<Attachment> {
  return upload(await planUpload(new Blob([bytes]), about), { account: alice, wait, ...options });
}
async function fetched(attachment: Attachment, options = {}): Promise<Uint8Array> {
  const file = await downloadFile(attachment, { account: bob, wait, ...options });
  return new Uint8Array(await file.arrayBuffer());
}
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
const stored = async ({ asset }: Attachment) => {
  const name = Buffer.from(asset.slice(asset.lastIndexOf('/') + 1), 'base64url').toString('hex');
  return join(alpha.site.data, 'assets', name.slice(0, 2), name.slice(2, 4), name);
};

describe('a file', () => {
  it.each([0, 1, chunk, chunk + 1, 5_000_000])('of %d bytes arrives', async (size) => {
    const bytes = random(size);
    const progress: Progress[] = [];
    const attachment = await send(bytes, { onProgress: (each: Progress) => progress.push(each) });
    expect(attachment).toMatchObject({ size, ...about });
    const total = sealedSize(size);
    expect(progress.at(-1)).toEqual({ done: total, total });
    expect(progress.every(({ done }, index) => done >= (progress[index - 1]?.done ?? 0))).toBe(true);
    const seen: Progress[] = [];
    const file = await downloadFile(attachment, { account: bob, onProgress: (each) => seen.push(each) });
    expect(same(new Uint8Array(await file.arrayBuffer()), bytes)).toBe(true);
    expect(file.type).toBe('image/png');
    expect(seen.at(-1)).toEqual({ done: total, total });
  });

  it('is on the server without its name, its type, or a byte of it', async () => {
    const text = 'nobody shall find this sentence anywhere '.repeat(100);
    const attachment = await send(new TextEncoder().encode(text));
    const folder = alpha.site.data;
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const content = (await readFile(join(entry.parentPath, entry.name))).toString('latin1');
      for (const secret of ['this sentence', 'holiday', 'image/png', attachment.key]) {
        expect(content.includes(secret), `${secret} in ${entry.name}`).toBe(false);
      }
    }
    for (const secret of ['holiday', attachment.key, attachment.asset]) {
      expect(alpha.logged.join('')).not.toContain(secret);
    }
  });
});

it('goes in ever larger parts over a fast line, never in crumbs', async () => {
  const lengths: number[] = [];
  const watched: Pick<Account, 'call' | 'callRaw'> = {
    call: (call) => alice.call(call),
    callRaw: (call) => {
      lengths.push((call.body as Uint8Array).length);
      return alice.callRaw(call);
    },
  };
  const bytes = random(12_000_000);
  await send(bytes, { account: watched });
  expect(lengths.reduce((sum, length) => sum + length)).toBe(sealedSize(bytes.length));
  // On a machine that is busy parts may shrink, but to no less than this.
  expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThanOrEqual(64 * 1024);
  expect(lengths.length).toBeLessThan(48);
});

describe('a line that breaks off', () => {
  it('does not keep a file from arriving, both ways', async () => {
    const bytes = random(6_000_000);
    const lifetimes = (function* () {
      for (;;) yield* [400_000, 70_000, 900_000, 20_000, 1_300_000];
    })();
    proxy.lifetime = () => lifetimes.next().value;
    // Those that are kept open from before have no end.
    proxy.cut();
    const before = proxy.cuts;
    const attachment = await send(bytes);
    const afterUpload = proxy.cuts;
    expect(same(await fetched(attachment), bytes)).toBe(true);
    expect(afterUpload - before).toBeGreaterThan(3);
    expect(proxy.cuts - afterUpload).toBeGreaterThan(3);
  });

  it('for good is told after some attempts, and the upload goes on later without sending anything twice', async () => {
    const bytes = random(4_000_000);
    const plan = await planUpload(new Blob([bytes]), about);
    const stored = JSON.parse(JSON.stringify(plan.record));
    let furthest = 0;
    const cut = upload(plan, {
      account: alice,
      wait,
      onProgress: ({ done }) => {
        furthest = done;
        if (done < 1_000_000) return;
        proxy.lifetime = () => 0;
        proxy.cut();
      },
    });
    await expect(cut).rejects.toMatchObject({ code: 'SIG_UNREACHABLE', retry: true });
    expect(furthest).toBeGreaterThanOrEqual(1_000_000);
    proxy.lifetime = () => Number.POSITIVE_INFINITY;
    const seen: number[] = [];
    const attachment = await upload(await resumePlan(stored, new Blob([bytes])), {
      account: alice,
      onProgress: ({ done }) => seen.push(done),
    });
    expect(seen[0]).toBeGreaterThanOrEqual(1_000_000);
    expect(same(await fetched(attachment), bytes)).toBe(true);
  });

  it('that stands still is given up for another one', async () => {
    const bytes = random(3_000_000);
    const attachment = await send(bytes);
    let stalls = 0;
    const chunks: Uint8Array[] = [];
    const stream = download(attachment, {
      account: bob,
      stallMs: 200,
      wait: async () => {
        stalls += 1;
        proxy.isStalled = false;
      },
    });
    for await (const each of stream) {
      chunks.push(each);
      if (chunks.length === 3) proxy.isStalled = true;
    }
    expect(stalls).toBeGreaterThan(0);
    expect(same(Buffer.concat(chunks), bytes)).toBe(true);
  });

  it('lets a download go on from what was kept', async () => {
    const bytes = random(3_000_000);
    const attachment = await send(bytes);
    const kept = new Blob([bytes.slice(0, 5 * chunk + 1_000)]);
    let first = 0;
    const onProgress = ({ done }: Progress) => {
      first ||= done;
    };
    expect(same(await fetched(attachment, { kept, onProgress }), bytes)).toBe(true);
    expect(first).toBe(sealedSize(5 * chunk));
    // All of it, and a part of the last chunk, are fine too; what is not the file is found out.
    expect(same(await fetched(attachment, { kept: new Blob([bytes]) }), bytes)).toBe(true);
    const spoilt = bytes.slice();
    spoilt[3] = (spoilt[3] ?? 0) ^ 1;
    await expect(fetched(attachment, { kept: new Blob([spoilt]) })).rejects.toMatchObject({ code: 'FILE_DAMAGED' });
  });

  it('is left at once by who does not want to go on', async () => {
    const bytes = random(3_000_000);
    const attachment = await send(bytes);
    const controller = new AbortController();
    const reason = new Error('enough');
    const sending = send(bytes, { signal: controller.signal, onProgress: () => controller.abort(reason) });
    await expect(sending).rejects.toBe(reason);
    const fetching = new AbortController();
    const stream = download(attachment, { account: bob, signal: fetching.signal });
    await stream.next();
    fetching.abort(reason);
    await expect(
      (async () => {
        for await (const _ of stream);
      })(),
    ).rejects.toBe(reason);
    // Whoever only stops reading leaves nothing open either.
    for await (const _ of download(attachment, { account: bob })) break;
  });
});

describe('what is refused', () => {
  it('a file that the server has changed, before its end is handed out', async () => {
    const bytes = random(3 * chunk);
    const attachment = await send(bytes);
    const path = await stored(attachment);
    const original = await readFile(path);
    for (const at of [3, 12, 20, sealedSize(chunk) + 5, original.length - 1]) {
      const changed = Buffer.from(original);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await writeFile(path, changed);
      const chunks: Uint8Array[] = [];
      const reading = (async () => {
        for await (const each of download(attachment, { account: bob, wait })) chunks.push(each);
      })();
      await expect(reading).rejects.toMatchObject({ code: 'FILE_DAMAGED' });
      const whole = Buffer.concat(chunks);
      expect(whole.length).toBeLessThan(bytes.length);
      expect(same(whole, bytes.subarray(0, whole.length))).toBe(true);
    }
    await writeFile(path, original);
    expect(same(await fetched(attachment), bytes)).toBe(true);
  });

  it('another size, key or hash than the message says', async () => {
    const attachment = await send(random(1_000));
    const wrongs: Partial<Attachment>[] = [
      { size: 999 },
      { size: 1_001 },
      { key: toBase64url(random(32)) },
      { hash: toBase64url(random(32)) },
    ];
    for (const wrong of wrongs) {
      await expect(fetched({ ...attachment, ...wrong })).rejects.toMatchObject({ code: 'FILE_DAMAGED' });
    }
    await expect(fetched({ ...attachment, asset: 'x' } as unknown as Attachment)).rejects.toMatchObject({
      code: 'FILE_DAMAGED',
    });
  });

  it('a file that the organisation does not accept, before a byte of it is sent or fetched', async () => {
    const strict = (code: 'size' | 'kind') => ({
      call: async () => ({
        maxBytes: code === 'size' ? 25_000_000 : 1_000_000_000,
        kinds: code === 'kind' ? ['text'] : ['image'],
        quotaBytes: 1,
        usedBytes: 0,
        maxPartBytes: 1_000_000,
      }),
      callRaw: () => Promise.reject(new Error('something was transferred')),
    });
    const plan = await planUpload(new Blob([random(10)]), about);
    const large = { ...plan, record: { ...plan.record, size: 25_000_001 } };
    const attachment = { ...(await send(random(10))), size: 25_000_001 };
    for (const refused of [
      upload(large, { account: strict('size') as never }),
      fetched(attachment, { account: strict('size') as never }),
    ]) {
      const error = await refused.catch((each: unknown) => each);
      expect(failureOf(error)).toEqual({
        code: 'HOME_ASSET_TOO_LARGE',
        sentence: 'Your organisation does not accept files over 25 MB.',
        retry: false,
      });
    }
    await expect(upload(plan, { account: strict('kind') as never })).rejects.toMatchObject({ code: 'HOME_ASSET_KIND' });
    await expect(fetched(attachment, { account: strict('kind') as never })).rejects.toMatchObject({
      code: 'HOME_ASSET_KIND',
    });
  });

  it('one that was deleted', async () => {
    const attachment = await send(random(10));
    await alice.call({ method: 'DELETE', path: `assets/${encodeURIComponent(attachment.asset)}` });
    const error = await fetched(attachment).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(HawserError);
    expect(error).toMatchObject({ code: 'HOME_NOT_FOUND' });
  });
});

it('several files at once, and the same plan from two tabs', async () => {
  const files = Array.from({ length: 6 }, (_, index) => random(500_000 + index));
  const attachments = await Promise.all(files.map((bytes) => send(bytes)));
  const results = await Promise.all(attachments.map((each) => fetched(each)));
  expect(results.every((bytes, index) => same(bytes, files[index] as Bytes))).toBe(true);
  const bytes = random(4_000_000);
  const plan = await planUpload(new Blob([bytes]), about);
  const tabs = await Promise.allSettled([1, 2].map(() => upload(plan, { account: alice, wait })));
  // One of them may be told that the other goes on; whoever then calls again finds it done.
  const attachment = await upload(plan, { account: alice });
  expect(tabs.some(({ status }) => status === 'fulfilled')).toBe(true);
  expect(same(await fetched(attachment), bytes)).toBe(true);
});
