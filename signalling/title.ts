/** What a conversation is called. */
import Type from 'typebox';

const MAX_TITLE = 120;

/** As somebody wrote it, on one line; `titleOf` gives what is stored. Of control characters PostgreSQL cannot hold U+0000. */
export const Title = Type.String({ minLength: 1, maxLength: MAX_TITLE, pattern: '^[^\\u0000-\\u001f\\u007f]+$' });

/**
 * Control characters, and marks that turn the direction of what stands after the title (UAX #9) or are nothing to see: they
 * make one title look like another one.
 */
const UNSEEN = /[\p{Cc}\u200b\u2028-\u202e\u2060-\u2069\ufeff]+/gu;

/** One spelling of what looks the same, on one line. Undefined where nothing is left to see, or it is too long so. */
export function titleOf(text: string): string | undefined {
  const title = text.toWellFormed().normalize('NFC').replace(UNSEEN, ' ').replace(/\s+/gu, ' ').trim();
  return title.length >= 1 && title.length <= MAX_TITLE ? title : undefined;
}
