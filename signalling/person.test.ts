import fc from 'fast-check';
import { Check } from 'typebox/value';
import { expect, test } from 'vitest';
import { domainOfEmail, EmailAddress, emailOf, parseEmail } from './person.ts';
import { costOf } from './testing-cost.ts';

test.each([
  'alice@alpha.example',
  'a@b.cd',
  'alice.smith+hawser@mail.alpha.example',
  "o'brien@alpha.example",
  'ALICE@Alpha.Example',
  `${'a'.repeat(64)}@alpha.example`,
])('%s is an e-mail address', (text) => {
  expect(Check(EmailAddress, text)).toBe(true);
  expect(parseEmail(text)).toBe(text.toLowerCase());
});

test.each([
  '',
  'alice',
  '@alpha.example',
  'alice@',
  'alice@alpha',
  'alice@127.0.0.1',
  'alice@[127.0.0.1]',
  'alice@alpha.example.',
  'alice@-alpha.example',
  '.alice@alpha.example',
  'alice..smith@alpha.example',
  'alice@alpha.example\r\nBcc: bob@beta.example',
  'Alice <alice@alpha.example>',
  'alice@alpha.example, bob@beta.example',
  '"alice"@alpha.example',
  'alice@bob@alpha.example',
  'älice@alpha.example',
  `${'a'.repeat(65)}@alpha.example`,
  `alice@${'a'.repeat(60)}.${'b'.repeat(60)}.example`,
])('%s is none', (text) => {
  expect(Check(EmailAddress, text)).toBe(false);
  expect(parseEmail(text)).toBeUndefined();
});

test('whatever is an address has one line, one @ and no sign that a mail server gives a meaning', () => {
  fc.assert(
    fc.property(fc.oneof(fc.emailAddress(), fc.string()), (text) => {
      const email = parseEmail(text);
      if (email === undefined) return;
      expect(email.split('@')).toHaveLength(2);
      expect(email).not.toMatch(/[\s<>(),:;"\\[\]]/);
      expect(emailOf(email)).toBe(email);
      expect(email.endsWith(`@${domainOfEmail(email)}`)).toBe(true);
    }),
  );
});

test('a long wrong address is refused at once', () => {
  const cost = costOf(() => {
    expect(parseEmail(`${'a.'.repeat(40_000)}@`)).toBeUndefined();
    expect(Check(EmailAddress, `${'a.'.repeat(80)}@`)).toBe(false);
  });
  expect(cost).toBeLessThan(200);
});
