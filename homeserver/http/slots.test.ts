import { expect, it } from 'vitest';
import { Slots } from './slots.ts';

it('gives so many to a key and so many in all, and takes each back once', () => {
  const slots = new Slots(2, 3);
  const [a1, a2] = [slots.take('a'), slots.take('a')];
  expect([a1, a2].every((each) => each !== undefined)).toBe(true);
  expect(slots.take('a')).toBeUndefined();
  const b = slots.take('b');
  expect(b).toBeDefined();
  expect(slots.take('c')).toBeUndefined();
  a1?.();
  a1?.();
  expect(slots.taken).toBe(2);
  expect(slots.take('c')).toBeDefined();
  a2?.();
  b?.();
  expect(slots.taken).toBe(1);
});
