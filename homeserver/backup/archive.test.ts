import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ArchiveWriter, isSafeName, readArchive } from './archive.ts';
import { BackupError } from './fault.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-archive-'));
  path = join(folder, 'archive');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function* once(bytes: Uint8Array) {
  yield bytes;
}

async function write(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  await using file = await open(path, 'w');
  const writer = new ArchiveWriter(file);
  for (const [name, bytes] of Object.entries(files)) await writer.add(name, bytes.length, once(bytes));
  await writer.end();
}

async function read(): Promise<Record<string, Uint8Array>> {
  await using file = await open(path);
  const files: Record<string, Uint8Array> = {};
  for await (const entry of readArchive(file)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry.content()) chunks.push(chunk);
    files[entry.name] = Buffer.concat(chunks);
  }
  return files;
}

const bytes = (length: number) => Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7) % 256));
const long = `data/${'folder/'.repeat(15)}${'n'.repeat(90)}`;
const FILES = {
  'manifest.json': bytes(20),
  empty: bytes(0),
  block: bytes(512),
  'data/assets/é🚢': bytes(513),
  [long]: bytes(9),
};

test('gives back what was put in, byte by byte', async () => {
  await write(FILES);
  expect(await read()).toEqual(FILES);
});

test('is one that tar can list and unpack', async () => {
  await write(FILES);
  const listed = execFileSync('tar', ['--quoting-style=literal', '-tf', path], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  expect(listed.trim().split('\n')).toEqual(Object.keys(FILES));
  execFileSync('tar', ['-xf', path, '-C', folder]);
  expect(await readFile(join(folder, 'data/assets/é🚢'))).toEqual(bytes(513));
});

test('a file that grew or shrank while it was read is no part of it', async () => {
  await using file = await open(path, 'w');
  const writer = new ArchiveWriter(file);
  await expect(writer.add('a', 5, once(bytes(4)))).rejects.toThrow(/changed while it was read/);
  await expect(writer.add('a', 3, once(bytes(4)))).rejects.toThrow(/changed while it was read/);
});

test.each(['../x', '/etc/passwd', 'a//b', 'a/./b', 'a/..', '', 'a/', 'a\0b'])('%o is no name', async (name) => {
  expect(isSafeName(name)).toBe(false);
  await using file = await open(path, 'w');
  await expect(new ArchiveWriter(file).add(name, 0, once(bytes(0)))).rejects.toThrow(BackupError);
});

test.each([
  ['a link', ['-cf', 'archive', 'link']],
  ['a folder', ['-cf', 'archive', '--no-recursion', '.']],
  ['a name that leads out', ['-cPf', 'archive', '--transform=s,file,../file,', 'file']],
  ['an absolute name', ['-cPf', 'archive', '--transform=s,file,/file,', 'file']],
])('%s that another program put in is refused', async (_what, args) => {
  await writeFile(join(folder, 'file'), 'content');
  execFileSync('ln', ['-s', 'file', 'link'], { cwd: folder });
  execFileSync('tar', ['--format=ustar', ...args], { cwd: folder });
  await expect(read()).rejects.toThrow(/something in it that no backup holds/);
});

test('is refused wherever it is cut off', async () => {
  await write({ a: bytes(700), b: bytes(10) });
  const whole = await readFile(path);
  for (let length = 0; length < whole.length; length += 100) {
    await writeFile(path, whole.subarray(0, length));
    await expect(read(), `${length}`).rejects.toThrow(BackupError);
  }
  await writeFile(path, Buffer.concat([whole, bytes(512)]));
  await expect(read()).rejects.toThrow(/goes on after its end/);
});

test('whatever a file holds, reading it ends with a sentence or with entries', async () => {
  await write({ a: bytes(700), b: bytes(10) });
  const whole = await readFile(path);
  const changed = fc
    .tuple(fc.nat(whole.length - 1), fc.uint8Array({ minLength: 1, maxLength: 40 }))
    .map(([at, put]) => {
      const copy = Buffer.from(whole);
      copy.set(put.subarray(0, whole.length - at), at);
      return copy;
    });
  await fc.assert(
    fc.asyncProperty(fc.oneof(changed, fc.uint8Array({ maxLength: 3_000 })), async (content) => {
      await writeFile(path, content);
      await read().catch((error: unknown) => expect(error).toBeInstanceOf(BackupError));
    }),
    { numRuns: 200 },
  );
});
