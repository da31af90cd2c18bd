/** What a conversation is called. */
import Type from 'typebox';

const MAX_TITLE = 120;

/** As somebody wrote it; `titleOf` gives what is stored. */
export const Title = Type.String({ minLength: 1, maxLength: MAX_TITLE });

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
