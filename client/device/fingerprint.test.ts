import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digitsOf, fingerprintOf } from './fingerprint.ts';

test('a fingerprint is the hash that the homeserver shows, in thirty digits', async () => {
  const key = Uint8Array.from({ length: 32 }, (_, index) => index);
  const fingerprint = await fingerprintOf(key);
  expect(fingerprint).toBe(createHash('sha256').update(key).digest('base64url'));
  expect(digitsOf(fingerprint).join(' ')).toMatch(/^(\d{5} ){5}\d{5}$/);
});

test('every byte that is shown of it counts, and what is none has no digits', () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(bytes, fc.nat(29), (hash, place) => {
      const changed = hash.slice();
      changed[place] = (changed[place] ?? 0) ^ 1;
      const text = (each: Uint8Array) => digitsOf(Buffer.from(each).toString('base64url')).join('');
      expect(text(changed)).not.toBe(text(hash));
    }),
  );
  expect([digitsOf(''), digitsOf('abc'), digitsOf('!')]).toEqual([[], [], []]);
});
