import { expect, test } from 'vitest';
import { testWorld } from '../testing/world.ts';
import { hashCode, isCode, newCode } from './code.ts';

const key = Buffer.alloc(32, 1);

test('a code has six digits, also where it begins with zeros', () => {
  const world = testWorld();
  const codes = Array.from({ length: 200 }, () => newCode(world));
  for (const code of codes) expect(code).toMatch(/^[0-9]{6}$/);
  expect(new Set(codes).size).toBeGreaterThan(190);
  expect(newCode({ ...world, random: (bytes) => Buffer.alloc(bytes) })).toBe('000000');
});

test('a hash fits its code, its id and its key alone', () => {
  const hash = hashCode(key, 'one', '123456');
  expect(isCode(key, 'one', '123456', hash)).toBe(true);
  expect(isCode(key, 'one', '123457', hash)).toBe(false);
  expect(isCode(key, 'two', '123456', hash)).toBe(false);
  expect(isCode(Buffer.alloc(32, 2), 'one', '123456', hash)).toBe(false);
  expect(isCode(key, 'one', '123456', '')).toBe(false);
});
