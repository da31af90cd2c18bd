/** What can be a reaction: one sign, as a person sees it. */
import { MAX_EMOJI_BYTES } from './limits.ts';

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });
const encoder = new TextEncoder();

/**
 * Whether the text is one sign that can be seen. Two in one text would be another sign to some readers (section 5.3), and a long
 * one would push everything else out of the picture.
 */
export function isEmoji(text: string): boolean {
  if (text.length > MAX_EMOJI_BYTES || encoder.encode(text).length > MAX_EMOJI_BYTES) return false;
  if (!text.isWellFormed() || /^[\p{Cc}\p{Cf}\p{Z}\p{M}]/u.test(text)) return false;
  return [...graphemes.segment(text)].length === 1;
}
