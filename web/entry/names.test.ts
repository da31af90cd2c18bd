import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handleIn, loginIn, suggestedHandle } from './names.ts';

describe('what people type', () => {
  it.each([
    [' Alice ', 'alice'],
    ['@alice', 'alice'],
    ['@alice@alpha.example', 'alice'],
    ['Alice@Mail.example', 'alice@mail.example'],
  ])('%j signs in as %j', (typed, login) => expect(loginIn(typed)).toBe(login));

  it.each([
    ['Zoë van der Berg', 'zoe.van.der.berg'],
    ['Łukasz', 'ukasz'],
    ['李', ''],
    ['A. '.repeat(40), 'a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a'],
  ])('the name %j may have the handle %j', (name, handle) => expect(suggestedHandle(name)).toBe(handle));

  it('a suggested handle is one, whatever the name is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (name) => {
        const handle = suggestedHandle(name);
        expect(handle === '' ? undefined : handle).toBe(handleIn(handle));
      }),
    );
  });
});
