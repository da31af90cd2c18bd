import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Names, ordinal, ordinalBehind } from './record-key.ts';
import { makeKeys } from './seal.ts';

const CONVERSATION = 'mimi://alpha.example/r/0123456789abcdef';

describe('a name', () => {
  it('shows the kind and the numbers of a record, and nothing of ids', async () => {
    const names = new Names((await makeKeys()).names);
    const name = await names.of(`message/${CONVERSATION}/${ordinal(42)}/abc`);
    expect(name).toMatch(/^message(\/~[A-Za-z0-9_-]{22}){5}\/#0000000000000042\/~[A-Za-z0-9_-]{22}$/);
    expect(name).not.toContain('alpha');
    expect(await names.of('status')).toBe('status');
  });

  it('takes no handle of digits for a number', async () => {
    const names = new Names((await makeKeys()).names);
    expect(await names.of('person/0123456789012345')).toMatch(/^person\/~/);
  });

  it('is the same each time, another one with another key, and another one under another parent', async () => {
    const keys = (await makeKeys()).names;
    const names = new Names(keys);
    const name = await names.of('group/x');
    expect(await names.of('group/x')).toBe(name);
    expect(await new Names(keys).of('group/x')).toBe(name);
    expect(await new Names((await makeKeys()).names).of('group/x')).not.toBe(name);
    expect((await names.of('message/x')).slice('message/'.length)).not.toBe(name.slice('group/'.length));
    expect((await names.of('group/x/x')).split('/')[2]).not.toBe(name.split('/')[1]);
  });

  it('begins with the name of each prefix of its key', async () => {
    const names = new Names((await makeKeys()).names);
    const key = `message/${CONVERSATION}//${ordinal(7)}/abc`;
    const name = await names.of(key);
    for (const { index } of key.matchAll(/\//g)) {
      const prefix = await names.of(key.slice(0, index + 1));
      expect(prefix.endsWith('/') && name.startsWith(prefix), prefix).toBe(true);
    }
    expect(await names.of('')).toBe('');
  });
});

describe('a number in a key', () => {
  it('sorts by its value', () => {
    const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(fc.property(whole, whole, (a, b) => ordinal(a) < ordinal(b) === a < b));
  });

  it('is whole, not negative, and exact', () => {
    for (const wrong of [-1, 1.5, Number.NaN, 2 ** 53]) expect(() => ordinal(wrong)).toThrow(TypeError);
  });

  it('is recognised directly behind the prefix only', () => {
    expect(ordinalBehind('a/', `a/${ordinal(3)}`)).toBe(ordinal(3));
    expect(ordinalBehind('a/', `a/${ordinal(3)}/x`)).toBe(ordinal(3));
    expect(ordinalBehind('a/', `a/x/${ordinal(3)}`)).toBeUndefined();
    expect(ordinalBehind('a/', `a/${ordinal(3)}0`)).toBeUndefined();
    expect(ordinalBehind('b/', `a/${ordinal(3)}`)).toBeUndefined();
  });
});
