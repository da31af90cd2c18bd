/** Backups that are not put back: nothing is touched by any of them. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Site } from '#site/schema.ts';
import { type Organisation, organise, type World } from '../testing/organisation.ts';
import { filesOf, putAssets, rowsOf, siteElsewhere } from '../testing/saved.ts';
import { type TestPlace, testPlace } from '../testing/world.ts';
import { makeBackup } from './backup.ts';
import { type Restored, type RestoreOptions, restoreBackup } from './restore.ts';

let world: World;
let alpha: Organisation;
let folder: string;
let file: string;
let whole: Buffer;
/** Where a backup was put back already. */
let elsewhere: Site;
let other: TestPlace;

const { signal } = new AbortController();
const putBack = (options: Partial<RestoreOptions> = {}): Promise<Restored> =>
  restoreBackup({
    site: elsewhere,
    file,
    replace: false,
    withKeys: false,
    onProgress: () => undefined,
    signal,
    ...options,
  });

const state = async () => ({
  rows: await rowsOf(elsewhere),
  files: await filesOf(elsewhere.data),
  folder: (await readdir(folder)).filter((name) => !name.endsWith('.hawser')),
});

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  folder = await mkdtemp(join(tmpdir(), 'hawser-restore-'));
  file = join(folder, 'alpha.hawser');
  other = await testPlace();
  elsewhere = siteElsewhere(alpha.site, join(folder, 'elsewhere'), other);
  await alpha.person('alice', 'Alice');
  await putAssets(alpha.site.data, 5);
  await makeBackup({
    site: alpha.site,
    file,
    withKeys: false,
    now: 1_800_000_000_000,
    onProgress: () => undefined,
    signal,
  });
  whole = await readFile(file);
  await alpha.stop();
  await putBack();
  expect((await rowsOf(elsewhere)).accounts).toHaveLength(1);
});
beforeEach(() => writeFile(file, whole));
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test.each([
  [
    'where a byte of a file is another',
    (content: Buffer) => flip(content, content.indexOf(Buffer.alloc(500, 3))),
    /damaged: data\/assets\/ab\/asset-3/,
  ],
  [
    'where a byte of the database is another',
    (content: Buffer) => flip(content, content.indexOf('SQLite format 3') + 3),
    /damaged: database\.sqlite/,
  ],
  [
    'where a byte of its manifest is another',
    (content: Buffer) => replaced(content, '2027-01-15', '2027-01-16'),
    /damaged: manifest\.json/,
  ],
  ['where it is cut off', (content: Buffer) => content.subarray(0, content.length >> 1), /cannot be used: it ends/],
  [
    'where its end is missing',
    (content: Buffer) => content.subarray(0, content.length - 512),
    /cannot be used: it ends too early/,
  ],
  ['of a newer form', (content: Buffer) => replaced(content, '"format": 1', '"format": 2'), /newer version of Hawser/],
  [
    'of a newer schema',
    (content: Buffer) => replaced(content, '"schema": "0', '"schema": "9'),
    /newer version of Hawser/,
  ],
  [
    'of another domain',
    (content: Buffer) => replaced(content, 'alpha.example', 'gamma.example'),
    /backup is of gamma\.example, and this site is alpha\.example/,
  ],
  ['that is none', () => Buffer.from('hello'), /cannot be used/],
])('%s', async (_how, change, sentence) => {
  const kept = await state();
  await writeFile(file, change(await readFile(file)));
  await expect(putBack({ replace: true })).rejects.toThrow(sentence);
  expect(await state()).toEqual(kept);
});

test('that is not there', async () => {
  await expect(putBack({ file: join(folder, 'nothing'), replace: true })).rejects.toThrow(/There is no file .*nothing/);
});

test('while the homeserver runs', { timeout: 30_000 }, async () => {
  await alpha.start({ site: elsewhere });
  await expect(putBack({ replace: true })).rejects.toThrow(/homeserver is running on/);
  expect(await alpha.person('bob')).toBeDefined();
  await alpha.stop();
});

test('where something is there already', async () => {
  const kept = await state();
  await expect(putBack()).rejects.toThrow(/--replace the backup takes its place/);
  expect(await state()).toEqual(kept);
});

test('when somebody stops it', async () => {
  const kept = await state();
  const stop = new AbortController();
  const onProgress = () => stop.abort('SIGINT');
  await expect(putBack({ replace: true, onProgress, signal: stop.signal })).rejects.toThrow(
    /Stopped\. Nothing was changed/,
  );
  expect(await state()).toEqual(kept);
});

function flip(content: Buffer, at: number): Buffer {
  expect(at).toBeGreaterThan(0);
  content[at] = (content[at] ?? 0) ^ 1;
  return content;
}

function replaced(content: Buffer, from: string, to: string): Buffer {
  const at = content.indexOf(from);
  expect(at).toBeGreaterThan(0);
  content.write(to, at);
  return content;
}
