import { createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SEALED, sealedSize } from '#signalling/assets.ts';
import { type Bytes, fromBase64url } from './base64url.ts';
import { boundsOf, chunksOf, headerOf, prefixOf, Sealer } from './seal.ts';
import { openFile, sealFile } from './testing/sealed.ts';

const { header, chunk, tag } = SEALED;
const keyOf = (text: string) => fromBase64url(text, 32) as Bytes;
const random = (size: number): Bytes => new Uint8Array(randomBytes(size));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('the encrypted form', () => {
  it.each([0, 1, 15, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 7])(
    'of %d bytes opens to the same',
    async (size) => {
      const plain = random(size);
      const { key, sealed } = await sealFile(plain);
      expect(sealed.length).toBe(sealedSize(size));
      const { chunks, isDamaged } = await openFile(keyOf(key), size, sealed);
      expect(isDamaged).toBe(false);
      expect(chunks.length).toBe(chunksOf(size));
      expect(Buffer.concat(chunks).equals(plain)).toBe(true);
    },
  );

  it('is what the page says: its example, and a reader made of nothing but its words', async () => {
    const page = await readFile(new URL('../../docs/reference/encrypted-files.md', import.meta.url), 'utf8');
    const value = (name: string) =>
      new RegExp(`^    ${name} +(?:the 5 bytes )?\`?([0-9A-Za-z_-]+)`, 'm').exec(page)?.[1] ?? '';
    const key = Buffer.from(value('key'), 'hex');
    const prefix = Buffer.from(value('prefix'), 'hex');
    const sealer = await Sealer.create(new Uint8Array(key), new Uint8Array(prefix));
    const plain = new TextEncoder().encode(value('plaintext'));
    const file = Buffer.concat([sealer.header, await sealer.seal(0, true, plain)]);
    expect(hex(file)).toBe(value('file'));
    expect(createHash('sha256').update(file).digest('base64url')).toBe(value('hash'));

    const nonce = Buffer.concat([prefix, Buffer.from([0, 0, 0, 0]), Buffer.from([1])]);
    const cipher = createDecipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(file.subarray(0, 16));
    cipher.setAuthTag(file.subarray(-16));
    expect(Buffer.concat([cipher.update(file.subarray(16, -16)), cipher.final()]).toString()).toBe('hello');
    expect(file.subarray(0, 9).toString('latin1')).toBe('hawser\0\x01\0');
  });

  it('uses every nonce once in a file, and no key in two', async () => {
    const plain = random(chunk);
    const [one, other] = [await sealFile(plain), await sealFile(plain)];
    expect(one.key).not.toBe(other.key);
    expect(hex(one.sealed)).not.toBe(hex(other.sealed));
  });

  it('refuses a header of another form', () => {
    const right = headerOf(random(7));
    expect(prefixOf(right)).toHaveLength(7);
    for (let at = 0; at < 9; at++) {
      const wrong = right.slice();
      wrong[at] = (wrong[at] ?? 0) ^ 1;
      expect(() => prefixOf(wrong)).toThrow();
    }
    expect(() => prefixOf(right.subarray(1))).toThrow();
  });
});

describe('whoever changes it is found out before a wrong byte is handed out', async () => {
  const sizes = [0, 5, chunk, 2 * chunk, 3 * chunk + 100];
  const files = await Promise.all(
    sizes.map(async (size) => {
      const plain = random(size);
      return { size, plain, ...(await sealFile(plain)) };
    }),
  );
  const anyFile = fc.constantFrom(...files);

  /** What comes out must be a beginning of the file, chunk by chunk, and the reader must know. */
  const check = async (file: (typeof files)[number], changed: Bytes, size = file.size, key = file.key) => {
    const { chunks, isDamaged } = await openFile(keyOf(key), size, changed);
    expect(isDamaged).toBe(true);
    expect(Buffer.concat(chunks).equals(file.plain.subarray(0, chunks.length * chunk))).toBe(true);
  };

  it('any bit', () =>
    fc.assert(
      fc.asyncProperty(anyFile, fc.nat(), fc.integer({ min: 0, max: 7 }), async (file, where, bit) => {
        const changed = file.sealed.slice();
        const at = where % changed.length;
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        await check(file, changed);
      }),
      { numRuns: 150 },
    ));

  it('any cut, with and without a size that fits it', () =>
    fc.assert(
      fc.asyncProperty(anyFile, fc.nat(), async (file, where) => {
        const cut = file.sealed.slice(0, where % file.sealed.length);
        await check(file, cut);
        // As if the message said another size: every size that some cut could have.
        for (const size of [file.size - 1, Math.floor(file.size / chunk) * chunk, chunk, 0]) {
          if (size >= 0 && size < file.size) await check(file, file.sealed.slice(0, sealedSize(size)), size);
        }
      }),
      { numRuns: 60 },
    ));

  it('anything added', () =>
    fc.assert(
      fc.asyncProperty(anyFile, fc.uint8Array({ minLength: 1, maxLength: 64 }), async (file, more) => {
        const longer = new Uint8Array(file.sealed.length + more.length);
        longer.set(file.sealed);
        longer.set(more, file.sealed.length);
        await check(file, longer);
        await check(file, longer, file.size + more.length);
      }),
      { numRuns: 60 },
    ));

  it('two chunks swapped, one repeated, one left out', async () => {
    const file = files[4] as (typeof files)[number];
    const sealedChunk = (index: number) => {
      const { from, to } = boundsOf(file.size, index);
      const at = header + index * (chunk + tag);
      return file.sealed.slice(at, at + to - from + tag);
    };
    const whole = (...order: number[]) =>
      new Uint8Array(Buffer.concat([file.sealed.slice(0, header), ...order.map(sealedChunk)]));
    expect(
      hex(
        createHash('sha256')
          .update(whole(0, 1, 2, 3))
          .digest(),
      ),
    ).toBe(hex(createHash('sha256').update(file.sealed).digest()));
    for (const order of [
      [1, 0, 2, 3],
      [0, 2, 1, 3],
      [0, 0, 2, 3],
      [0, 1, 1, 3],
    ]) {
      await check(file, whole(...order));
    }
    await check(file, whole(0, 1, 3), 2 * chunk + 100);
    await check(file, whole(0, 1, 2), 3 * chunk);
    await check(file, whole(3), 100);
  });

  it('chunks, the header or the key of another file', async () => {
    const [one, other] = [files[3], files[2]] as [(typeof files)[number], (typeof files)[number]];
    const mixed = one.sealed.slice();
    mixed.set(other.sealed.slice(header), header);
    await check(one, mixed);
    const foreignHeader = one.sealed.slice();
    foreignHeader.set(other.sealed.slice(0, header));
    await check(one, foreignHeader);
    await check(one, one.sealed, one.size, other.key);
  });
});
