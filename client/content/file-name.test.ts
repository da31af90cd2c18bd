import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isEmoji } from './emoji.ts';
import { fileName } from './file-name.ts';

it.each([
  ['report.pdf', 'report.pdf'],
  ['../../etc/passwd', '_.._etc_passwd'],
  ['C:\\temp\\a.exe', 'C__temp_a.exe'],
  ['invoice\u202efdp.exe', 'invoicefdp.exe'],
  ['a\0b\nc.txt', 'abc.txt'],
  ['.bashrc', 'bashrc'],
  ['  ', 'file'],
  ['', 'file'],
  ['..', 'file'],
  [`${'ä'.repeat(200)}.jpeg`, `${'ä'.repeat(125)}.jpeg`],
  ['😀'.repeat(100), '😀'.repeat(63)],
])('makes of %j a name that can be shown and saved', (suggested, expected) =>
  expect(fileName(suggested)).toBe(expected),
);

it('changes no name that it made, and makes none that is too long', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (suggested) => {
      const name = fileName(suggested);
      expect(fileName(name)).toBe(name);
      expect(name).not.toMatch(/[/\\\p{Cc}]/u);
      expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(255);
    }),
    { numRuns: 1000 },
  );
});

it('takes one sign as a reaction, however it is made', () => {
  for (const sign of ['❤', '❤️', '👩🏽‍⚕️', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '1️⃣', 'é', 'x', '!']) expect(isEmoji(sign), sign).toBe(true);
  for (const none of ['', ' ', '👍👍', 'ok', '\u200d', '\u0301', '\u202e', '\ud83d', `a${'\u0301'.repeat(40)}`]) {
    expect(isEmoji(none), none).toBe(false);
  }
});
