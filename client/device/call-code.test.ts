import { expect, test } from 'vitest';
import { callCodeOf } from './call-code.ts';

test('the code of a call is twenty digits, the same for the same keys and another one for others', async () => {
  const code = await callCodeOf(new Uint8Array(32).fill(7));
  expect(code).toMatch(/^(\d{4} ){4}\d{4}$/);
  expect(await callCodeOf(new Uint8Array(32).fill(7))).toBe(code);
  const others = await Promise.all(
    Array.from({ length: 20 }, (_, byte) => callCodeOf(new Uint8Array(32).fill(100 + byte))),
  );
  expect(new Set([code, ...others]).size).toBe(21);
  // What stands on a screen stays what it is in later versions: others may compare with an older one.
  expect(code).toBe('3127 6300 8518 0149 0544');
});
