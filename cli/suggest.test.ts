import fc from 'fast-check';
import { expect, test } from 'vitest';
import { didYouMean, editDistance, nearest } from './suggest.ts';

test('a letter too much, too little, wrong or swapped is one edit', () => {
  expect(editDistance('demmo', 'demo')).toBe(1);
  expect(editDistance('dmo', 'demo')).toBe(1);
  expect(editDistance('dimo', 'demo')).toBe(1);
  expect(editDistance('deom', 'demo')).toBe(1);
});

test('the distance is 0 only to itself, the same both ways, and never more than the longer word', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

test('the nearest word is suggested, and nothing for a word that is like none', () => {
  expect(didYouMean('--publsihers', ['--publishers', '--viewers'])).toBe(' Did you mean --publishers?');
  expect(nearest('xyzzy', ['demo', 'test', 'sft'])).toBeUndefined();
  expect(didYouMean('xyzzy', ['demo'])).toBe('');
});
