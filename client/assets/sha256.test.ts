import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Sha256 } from './sha256.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

it('gives the digests of the standard', () => {
  expect(hex(new Sha256().digest())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(hex(new Sha256().update(Buffer.from('abc')).digest())).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

it('gives the same as the platform, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (pieces) => {
      const mine = new Sha256();
      const theirs = createHash('sha256');
      for (const piece of pieces) {
        mine.update(piece);
        theirs.update(piece);
      }
      expect(hex(mine.digest())).toBe(theirs.digest('hex'));
    }),
    { numRuns: 500 },
  );
});

it('takes a piece that begins inside a larger buffer, and one of more than 512 MiB of bits', () => {
  const bytes = randomBytes(1_000_003).subarray(3);
  const mine = new Sha256();
  const theirs = createHash('sha256');
  for (let i = 0; i < 70; i++) {
    mine.update(bytes);
    theirs.update(bytes);
  }
  expect(hex(mine.digest())).toBe(theirs.digest('hex'));
});

it('takes nothing after its digest', () => {
  const hash = new Sha256();
  hash.digest();
  expect(() => hash.update(new Uint8Array(1))).toThrow();
});
