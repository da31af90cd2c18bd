import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testWorld } from '../testing/world.ts';
import { hashInvitationToken, newInvitationToken } from './invitation-token.ts';

test('an invitation is four groups of four, and is read however it is typed', () => {
  const token = newInvitationToken(testWorld());
  expect(token).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  const hash = hashInvitationToken(token);
  expect(hash).toMatch(/^[\w-]{43}$/);
  const spellings = [token.toLowerCase(), token.replaceAll('-', ''), token.replaceAll('-', ' ')];
  for (const spelling of [...spellings, token.replaceAll('1', 'l').replaceAll('0', 'o')]) {
    expect(hashInvitationToken(spelling)).toBe(hash);
  }
});

test('every symbol is used', () => {
  const world = testWorld();
  const symbols = new Set(Array.from({ length: 100 }, () => [...newInvitationToken(world).replaceAll('-', '')]).flat());
  expect(symbols.size).toBe(32);
});

test('what cannot be an invitation has no hash', () => {
  for (const text of ['', 'ABCD-EFGH', 'UUUU-UUUU-UUUU-UUUU', 'AAAA-AAAA-AAAA-AAAA-AAAA']) {
    expect(hashInvitationToken(text)).toBeUndefined();
  }
  fc.assert(fc.property(fc.string({ maxLength: 15 }), (text) => hashInvitationToken(text) === undefined));
});
