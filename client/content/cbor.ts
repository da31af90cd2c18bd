/**
 * CBOR as the format wants it: one encoding for each value (RFC 8949, section 4.2.1), so that the hash of a message is the hash of
 * what it says. Of the data model we take what messages need: integers that a double holds, texts, bytes, arrays, maps, true,
 * false and null; no tags, no floating point numbers, no keys but integers and texts.
 */
import { decode, encode, rfc8949EncodeOptions } from 'cborg';
import { HawserError } from '#signalling/errors.ts';

export type Cbor = null | boolean | number | string | Uint8Array | readonly Cbor[] | CborMap;
export type CborKey = number | string;
export type CborMap = ReadonlyMap<CborKey, Cbor>;

const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  useMaps: true,
} as const;

/** Texts must be checked before: a half of a surrogate pair would be written as another character. */
export function encodeCbor(value: Cbor): Uint8Array<ArrayBuffer> {
  // On Node the library gives a piece of a pool of buffers.
  return new Uint8Array(encode(value, rfc8949EncodeOptions));
}

/**
 * The one value that the bytes are. Time and memory are in proportion to the bytes, whatever they say.
 * @param limits bytes in all; arrays and maps inside each other
 * @throws {HawserError} CONTENT_TOO_LARGE, CONTENT_TOO_DEEP, CONTENT_MALFORMED, CONTENT_DUPLICATE_KEY
 */
export function decodeCbor(bytes: Uint8Array, limits: { readonly bytes: number; readonly depth: number }): Cbor {
  if (bytes.length > limits.bytes) throw new HawserError('CONTENT_TOO_LARGE');
  walk(bytes, limits.depth);
  const value = decoded(bytes, true);
  if (value === undefined) {
    const repeated = decoded(bytes, false) !== undefined;
    throw new HawserError(repeated ? 'CONTENT_DUPLICATE_KEY' : 'CONTENT_MALFORMED');
  }
  // Order of keys, invalid UTF-8 and whatever else the decoder lets pass: written again, it has to be the same.
  const again = encodeCbor(value);
  if (again.length !== bytes.length || !again.every((byte, at) => byte === bytes[at])) {
    throw new HawserError('CONTENT_MALFORMED', 'not in its one encoding');
  }
  return value;
}

function decoded(bytes: Uint8Array, rejectDuplicateMapKeys: boolean): Cbor | undefined {
  try {
    // `walk` let only such items through as are in the type.
    const value: Cbor = decode(bytes, { ...STRICT, rejectDuplicateMapKeys });
    return value;
  } catch {
    return undefined;
  }
}

interface Open {
  /** Items still to come. */
  left: number;
  readonly isMap: boolean;
}

/**
 * Goes through the heads of all items without building anything: the decoder calls itself for each level, so that 60,000 bytes of
 * opened arrays would end its stack.
 */
function walk(bytes: Uint8Array, maxDepth: number): void {
  const open: Open[] = [];
  let at = 0;
  do {
    const first = bytes[at];
    if (first === undefined) malformed('it ends early');
    const major = first >> 5;
    const info = first & 31;
    at += 1;
    let value = info;
    if (info >= 24) {
      const size = 1 << (info - 24);
      if (major === 7 || size > 8 || at + size > bytes.length) malformed('a kind of item that is not used');
      value = 0;
      for (const end = at + size; at < end; at++) value = value * 256 + (bytes[at] ?? 0);
    } else if (major === 7 && (info < 20 || info > 22)) malformed('a kind of item that is not used');
    if (major === 6) malformed('a tag');
    const around = open.at(-1);
    if (around !== undefined) {
      if (around.isMap && around.left % 2 === 0 && major !== 0 && major !== 1 && major !== 3) malformed('a key');
      around.left -= 1;
    }
    if (major >= 2 && major <= 5 && value > bytes.length - at) malformed('it ends early');
    if (major === 2 || major === 3) at += value;
    if (major === 4 || major === 5) {
      if (open.length >= maxDepth) throw new HawserError('CONTENT_TOO_DEEP');
      open.push({ left: major === 4 ? value : 2 * value, isMap: major === 5 });
    }
    while (open.at(-1)?.left === 0) open.pop();
  } while (open.length > 0);
  if (at !== bytes.length) malformed('something follows it');
}

function malformed(detail: string): never {
  throw new HawserError('CONTENT_MALFORMED', detail);
}
