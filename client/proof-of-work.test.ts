import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { leadingZeroBits } from '#signalling/proof-of-work.ts';
import { solve } from './proof-of-work.ts';

const challenge = '12.1800000000000.AAAAAAAAAAAAAAAA.signature';

it('finds a number whose hash, computed by somebody else, begins with so many zero bits', async () => {
  const { solution } = await solve({ challenge, bits: 12, expiresInSeconds: 60 });
  const hash = createHash('sha256').update(`${challenge}:${solution}`).digest('hex');
  expect(hash.startsWith('000')).toBe(true);
});

it('says how far it is, and stops when nobody wants it any more', async () => {
  const tried: number[] = [];
  const stop = new AbortController();
  const onProgress = (count: number) => {
    tried.push(count);
    if (tried.length === 3) stop.abort(new Error('closed'));
  };
  const work = solve({ challenge, bits: 32, expiresInSeconds: 60 }, { signal: stop.signal, onProgress });
  await expect(work).rejects.toThrow('closed');
  expect(tried).toEqual([0, 1_024, 2_048]);
});

it('counts zero bits as the binary digits show them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 32 }), (bytes) => {
      const digits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
      expect(leadingZeroBits(bytes)).toBe(digits.indexOf('1') === -1 ? digits.length : digits.indexOf('1'));
    }),
  );
});
