import { expect, it } from 'vitest';
import { MAX_TEXT_BYTES } from '#client/content/limits.ts';
import { roomFor } from './limit.ts';

it('tells before a text is too long, by its bytes', () => {
  expect(roomFor('')).toEqual({ fits: true });
  expect(roomFor('x'.repeat(MAX_TEXT_BYTES - 3_000))).toEqual({ fits: true });
  expect(roomFor('x'.repeat(MAX_TEXT_BYTES - 2_999)).words).toBe('Room for about 2,999 more characters.');
  expect(roomFor('x'.repeat(MAX_TEXT_BYTES))).toEqual({ fits: true, words: 'Room for about 0 more characters.' });
  expect(roomFor('x'.repeat(MAX_TEXT_BYTES + 1)).fits).toBe(false);
  expect(roomFor('€'.repeat(MAX_TEXT_BYTES / 3 + 1)).fits).toBe(false);
});
