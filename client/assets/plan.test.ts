import { randomBytes } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEALED } from '#signalling/assets.ts';
import type { Bytes } from './base64url.ts';
import { type Plan, planUpload, resumePlan, sealedPieces } from './plan.ts';

const about = { name: 'holiday.png', contentType: 'image/png' };
const random = (size: number): Bytes => new Uint8Array(randomBytes(size));

async function sealed(plan: Plan): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of sealedPieces(plan)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('a plan', () => {
  it('tells the server’s part from the message’s', async () => {
    const { record } = await planUpload(new Blob([random(10)]), about);
    expect(record).toMatchObject({ version: 1, size: 10, kind: 'image', ...about });
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  });

  it('gives the same ciphertext at every start', async () => {
    const bytes = random(2 * SEALED.chunk + 5);
    const plan = await planUpload(new Blob([bytes]), about);
    const again = await resumePlan(JSON.parse(JSON.stringify(plan.record)), new Blob([bytes]));
    expect((await sealed(again)).equals(await sealed(plan))).toBe(true);
  });

  it('is over where the file has changed in any byte, or its length', async () => {
    const bytes = random(SEALED.chunk + 100);
    const { record } = await planUpload(new Blob([bytes]), about);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ by;
        await expect(resumePlan(record, new Blob([changed]))).rejects.toMatchObject({ code: 'FILE_CHANGED' });
      }),
      { numRuns: 40 },
    );
    for (const other of [bytes.slice(1), new Uint8Array([...bytes, 0])]) {
      await expect(resumePlan(record, new Blob([other]))).rejects.toMatchObject({ code: 'FILE_CHANGED' });
    }
  });

  it('never seals a chunk that is not the planned one, also where it changes while it is sent', async () => {
    const bytes = random(3 * SEALED.chunk);
    const plan = await planUpload(new Blob([bytes]), about);
    const changed = bytes.slice();
    changed[2 * SEALED.chunk] = (changed[2 * SEALED.chunk] ?? 0) ^ 1;
    const pieces: Uint8Array[] = [];
    const run = async () => {
      for await (const piece of sealedPieces({ ...plan, source: new Blob([changed]) })) pieces.push(piece);
    };
    await expect(run()).rejects.toMatchObject({ code: 'FILE_CHANGED' });
    const original = await sealed(plan);
    expect(Buffer.concat(pieces).equals(original.subarray(0, Buffer.concat(pieces).length))).toBe(true);
    expect(pieces).toHaveLength(3);
  });
});

describe('a file on disk', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hawser-plan-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('that changes after it was planned is refused with a sentence', async () => {
    const path = join(folder, 'a');
    await writeFile(path, random(100));
    const plan = await planUpload(await openAsBlob(path), about);
    await appendFile(path, 'x');
    await expect(sealed(plan)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});
