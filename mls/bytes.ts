/** The few things one does with bytes. */

/** Whether two texts of bytes are the same. Not in constant time: for public values only. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  // A loop, not `every`: trees have a megabyte.
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

/** Each byte as one character: a key for maps, short and quick to make. */
export function bytesKey(bytes: Uint8Array): string {
  return characters.decode(bytes);
}

/** windows-1252, which has a character of its own for each of the 256 bytes. */
const characters = new TextDecoder('windows-1252');

/** Overwrites secrets that are not needed any more. */
export function wipe(secrets: Iterable<Uint8Array | undefined>): void {
  for (const secret of secrets) secret?.fill(0);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text that the bytes are in UTF-8, or undefined. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
