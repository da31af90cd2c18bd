/** Bytes as text, for JSON: base64url without padding (RFC 4648, section 5), in browsers and Node alike. */
import Type from 'typebox';

/** A schema of at most so many bytes. */
export function Base64Url(maxBytes: number) {
  return Type.String({
    pattern: '^[A-Za-z0-9_-]*$',
    maxLength: Math.ceil((maxBytes * 4) / 3),
    description: `base64url, ${maxBytes} bytes at most`,
  });
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const CODES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
/** What a character says, by its code; `NONE` where it says nothing. */
const VALUES = new Uint8Array(128).fill(0xff);
for (const [value, code] of CODES.entries()) VALUES[code] = value;
const NONE = 0xff;

const ascii = new TextDecoder();

/** Trees of groups are a megabyte: by a table, 2 and 3 ms a megabyte on Node 24, in place of 20 and 70 with `btoa` and `atob`. */
export function toBase64Url(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3));
  let to = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    // What is beyond the end of the array is not written.
    codes[to++] = CODES[group >> 18] ?? 0;
    codes[to++] = CODES[(group >> 12) & 63] ?? 0;
    codes[to++] = CODES[(group >> 6) & 63] ?? 0;
    codes[to++] = CODES[group & 63] ?? 0;
  }
  return ascii.decode(codes);
}

/** Undefined where the text is none, or has bits behind its end: each value has one text. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const { length } = text;
  if (length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let seen = 0;
  let [held, bits, to] = [0, 0, 0];
  for (let at = 0; at < length; at++) {
    const value = VALUES[text.charCodeAt(at)] ?? NONE;
    seen |= value;
    held = (held << 6) | value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[to++] = held >> bits;
    held &= (1 << bits) - 1;
  }
  // Only what is no character has the highest bit.
  return seen > 63 || held !== 0 ? undefined : bytes;
}
