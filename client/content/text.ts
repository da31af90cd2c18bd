/** The texts of a message: what every one of them must be, and how bytes become one. */
import { HawserError } from '#signalling/errors.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The text, if it is one: no NUL, on which programs in C end a text, and no half of a surrogate pair, which has no UTF-8.
 * @param limit bytes in UTF-8
 * @throws {HawserError} CONTENT_TEXT, CONTENT_TOO_LARGE
 */
export function checkedText(text: string, limit: number): string {
  if (!text.isWellFormed() || text.includes('\0')) throw new HawserError('CONTENT_TEXT');
  // No text has fewer bytes than UTF-16 units, so that a huge one is not encoded to be measured.
  if (text.length > limit || encoder.encode(text).length > limit) throw new HawserError('CONTENT_TOO_LARGE', 'a text');
  return text;
}

/** @throws {HawserError} CONTENT_TEXT, CONTENT_TOO_LARGE */
export function utf8Of(text: string, limit: number): Uint8Array {
  return encoder.encode(checkedText(text, limit));
}

/**
 * The text that the bytes are in UTF-8.
 * @throws {HawserError} CONTENT_TEXT, CONTENT_TOO_LARGE
 */
export function textOf(bytes: Uint8Array, limit: number): string {
  if (bytes.length > limit) throw new HawserError('CONTENT_TOO_LARGE', 'a text');
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new HawserError('CONTENT_TEXT');
  }
  return checkedText(text, limit);
}
