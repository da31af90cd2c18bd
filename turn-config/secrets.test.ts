import { describe, expect, it } from 'vitest';
import { acceptedSecrets, formatSecrets, makeSecret, parseSecrets, withNextInUse } from './secrets.ts';

const [a, b] = ['a'.repeat(30), 'b'.repeat(30)];

it('goes from one secret to the next with both accepted between', () => {
  const begun = { current: a, next: b };
  expect(parseSecrets(formatSecrets(begun))).toEqual(begun);
  expect(acceptedSecrets(begun)).toEqual([a, b]);
  const used = withNextInUse(begun);
  expect(used).toEqual({ current: b, old: a });
  expect(parseSecrets(formatSecrets(used))).toEqual(used);
  expect(acceptedSecrets(used)).toEqual([b, a]);
});

it('makes secrets that it takes', () => {
  const made = makeSecret();
  expect(parseSecrets(`${made}\n`)).toEqual({ current: made });
  expect(made).not.toBe(makeSecret());
});

describe('a file', () => {
  it.each([
    ['without any', ''],
    ['with a short one', 'short'],
    ['with one that is next and none that signs', `next ${a}`],
    ['with two that sign', `${a}\n${b}`],
    ['with one twice', `${a}\nold ${a}`],
    ['with words', `${a} and more`],
  ])('is refused %s, without showing it', (_what, text) => {
    expect(() => parseSecrets(text)).toThrow(RangeError);
    expect(() => parseSecrets(text)).not.toThrow(/aaaa|bbbb|short/);
  });
  it('may come from Windows and have empty lines', () =>
    expect(parseSecrets(`\r\n${a}\r\n\r\n`)).toEqual({ current: a }));
});
