/** The piece of a text around what was looked for. Pure. */
import { termsOf } from '#client/messages/search.ts';

export interface Excerpt {
  readonly before: string;
  /** Empty where no word is found as it was typed, for instance with other accents. */
  readonly match: string;
  readonly after: string;
}

/** UTF-16 units on each side. */
const BEFORE = 30;
const AFTER = 90;
const words = new Intl.Segmenter('und', { granularity: 'word' });
/** Of a very long text only so much is looked at: 32 kB of it take 5 ms, and there are fifty results. */
const LOOKED_AT = 4_000;

/** From the beginning of a word on. */
function beforeOf(line: string, index: number): string {
  if (index <= BEFORE) return line.slice(0, index);
  const piece = line.slice(index - BEFORE, index);
  const blank = piece.indexOf(' ');
  return `…${piece.slice(blank + 1)}`.toWellFormed();
}

export function around(text: string, query: string): Excerpt {
  const wanted = termsOf(query);
  const line = text.slice(0, LOOKED_AT).replace(/\s+/g, ' ').toWellFormed();
  for (const { segment, index, isWordLike } of words.segment(line)) {
    const term = isWordLike ? termsOf(segment)[0] : undefined;
    if (term === undefined || !wanted.some((each) => term.startsWith(each))) continue;
    const end = index + segment.length;
    return {
      before: beforeOf(line, index),
      match: segment,
      after: `${line.slice(end, end + AFTER)}${line.length > end + AFTER ? '…' : ''}`.toWellFormed(),
    };
  }
  return { before: `${line.slice(0, AFTER)}${line.length > AFTER ? '…' : ''}`.toWellFormed(), match: '', after: '' };
}
