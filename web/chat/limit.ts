/** How much still fits into a message, told before it is too much. Pure. */
import { MAX_TEXT_BYTES } from '#client/content/limits.ts';

/** With less room than this it is told, bytes. */
const TOLD = 3_000;

const encoder = new TextEncoder();

export interface Room {
  readonly fits: boolean;
  /** Undefined while there is room enough. */
  readonly words?: string;
}

/** @param sent the text as it is sent */
export function roomFor(sent: string): Room {
  // No text has more than three bytes for a UTF-16 unit.
  if (sent.length * 3 < MAX_TEXT_BYTES - TOLD) return { fits: true };
  const left = MAX_TEXT_BYTES - encoder.encode(sent).length;
  const count = Math.abs(left).toLocaleString('en');
  if (left < 0)
    return { fits: false, words: `Too long by about ${count} characters. Shorten it, or send it as two messages.` };
  return left < TOLD ? { fits: true, words: `Room for about ${count} more characters.` } : { fits: true };
}
