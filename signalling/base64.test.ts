import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromBase64Url, toBase64Url } from './base64.ts';

test('bytes come back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = toBase64Url(bytes);
      expect(text).toBe(Buffer.from(bytes).toString('base64url'));
      expect(fromBase64Url(text)).toEqual(bytes);
    }),
  );
  const large = new Uint8Array(100_000).map((_, index) => index);
  expect(fromBase64Url(toBase64Url(large))).toEqual(large);
});

test('each value has one text', () => {
  for (const text of ['A', 'AB', 'AA==', 'A A', 'AA+_', 'ä', 'AAA=']) expect(fromBase64Url(text), text).toBeUndefined();
  expect(fromBase64Url('AA')).toEqual(new Uint8Array(1));
  expect(fromBase64Url('')).toEqual(new Uint8Array());
});
