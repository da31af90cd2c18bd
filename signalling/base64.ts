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

/** Characters that `String.fromCharCode` takes at once; more would overflow the stack. */
const CHUNK = 8_192;

export function toBase64Url(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += CHUNK) binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Undefined where the text is none, or has bits behind its end: each value has one text. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  let binary: string;
  try {
    binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return undefined;
  }
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return toBase64Url(bytes) === text ? bytes : undefined;
}
