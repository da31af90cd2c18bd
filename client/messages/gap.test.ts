import { expect, it } from 'vitest';
import { gapReason } from './gap.ts';

it('says why a message cannot be read, and nothing where it may be read later', () => {
  expect(gapReason('MLS_UNREADABLE')).toBe('keys-gone');
  expect(gapReason('CONTENT_UNSUPPORTED')).toBe('not-understood');
  expect(gapReason('CONTENT_FOREIGN')).toBe('damaged');
  expect(gapReason('MLS_REFUSED')).toBe('damaged');
  expect(gapReason('MLS_EPOCH_FUTURE')).toBeUndefined();
});
