import fc from 'fast-check';
import { expect, it } from 'vitest';
import { around } from './excerpt.ts';

it('shows what was found with some words on both sides, whatever its case and accents', () => {
  const text = `${'The quick brown fox jumps over the lazy dog. '.repeat(3)}Über den Fluß.\n${'And on. '.repeat(30)}`;
  const { before, match, after } = around(text, 'uber');
  expect(match).toBe('Über');
  expect(before).toBe('…fox jumps over the lazy dog. ');
  expect(after).toMatch(/^ den Fluß\. And on\..*…$/);
  expect(around('nothing of it', 'other')).toEqual({ before: 'nothing of it', match: '', after: '' });
});

it('takes any text and any query', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, query) => {
      const { before, match, after } = around(text, query);
      expect((before + match + after).isWellFormed()).toBe(true);
    }),
  );
});
