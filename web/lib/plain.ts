/** Names of people and conversations, which others chose, made safe to stand in a sentence. Pure. */

// Marks that turn the direction of writing for everything after them (Unicode, UAX #9), and controls.
const TURNING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text without what could reorder or break the sentence around it. Elements with `dir="auto"` need it as little as `<bdi>`. */
export function plain(text: string): string {
  return text.replace(TURNING, '');
}
