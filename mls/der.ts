/**
 * Reads DER (X.690) from its begin to its end, element by element, and refuses whatever has another encoding than the one that is valid:
 * for the certificates of devices, of which a tree has hundreds, and the X.509 library needs half a millisecond for each.
 */

/** Tags that occur in certificates (X.690, section 8.1.2), with the bit of what is made of others. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  bytes: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  time: 0x18,
  sequence: 0x30,
} as const;

/** `[n]` that holds others, as `[3] EXPLICIT`. */
export function holding(number: number): number {
  return 0xa0 | number;
}

/** What cannot be read; where it comes from says what that means. */
export class DerError extends Error {}

/** Part of what is read, without a copy. */
interface Element {
  readonly tag: number;
  /** With tag and length. */
  readonly whole: Uint8Array;
  readonly content: Uint8Array;
}

export class Der {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Of the next element; undefined at the end. */
  get tag(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** @param tag that the next element has to have; any where it is left out. @throws {DerError} */
  next(tag?: number): Element {
    const bytes = this.#bytes;
    const [from, own, first] = [this.#at, bytes[this.#at], bytes[this.#at + 1]];
    if (own === undefined || first === undefined) throw new DerError('cut off');
    if (tag !== undefined && own !== tag) throw new DerError('another element');
    // Numbers above 30 take more bytes, and do not occur.
    if ((own & 0x1f) === 0x1f) throw new DerError('a long tag');
    const count = first < 0x80 ? 0 : first - 0x80;
    if (first === 0x80 || count > 2) throw new DerError('a length that is not used');
    const begin = from + 2 + count;
    let length = first;
    if (count > 0) {
      length = 0;
      for (let at = from + 2; at < begin; at++) length = length * 256 + (bytes[at] ?? 0);
      if (length < (count === 1 ? 0x80 : 0x100)) throw new DerError('a length with more bytes than it needs');
    }
    const end = begin + length;
    if (end > bytes.length) throw new DerError('cut off');
    this.#at = end;
    return { tag: own, whole: bytes.subarray(from, end), content: bytes.subarray(begin, end) };
  }

  /** What is in the next element. @throws {DerError} */
  into(tag: number): Der {
    return new Der(this.next(tag).content);
  }

  /** @throws {DerError} where there is more */
  end(): void {
    if (!this.isAtEnd) throw new DerError('more than there should be');
  }
}

/** @param content of a BOOLEAN @throws {DerError} */
export function booleanOf([value, ...more]: Uint8Array): boolean {
  if (more.length > 0 || (value !== 0 && value !== 0xff)) throw new DerError('no boolean');
  return value === 0xff;
}

/** A number that is not negative, as hex digits. @param content of an INTEGER @throws {DerError} */
export function serialOf(content: Uint8Array): string {
  const [first, second] = content;
  if (first === undefined || first >= 0x80) throw new DerError('no serial number');
  if (first === 0 && second !== undefined && second < 0x80)
    throw new DerError('a number with more bytes than it needs');
  let hex = '';
  for (const byte of content) hex += byte.toString(16).padStart(2, '0');
  return hex;
}

/** @param content of a BIT STRING of whole bytes @throws {DerError} */
export function wholeBytes(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw new DerError('bits that are no bytes');
  return content.subarray(1);
}

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** RFC 5280, section 4.1.2.5: a year of two digits from 1950 to 2049, one of four from 2050 on. ms since 1970. @throws {DerError} */
export function timeOf({ tag, content }: Pick<Element, 'tag' | 'content'>): number {
  const text = String.fromCharCode(...content);
  const form = tag === TAG.utcTime ? UTC_TIME : tag === TAG.time ? TIME : undefined;
  const parts = form?.exec(text)?.slice(1).map(Number) as [number, number, number, number, number, number] | undefined;
  if (!parts) throw new DerError('no time');
  const [year, month, day, hour, minute, second] = parts;
  const full = tag === TAG.time ? year : year < 50 ? 2000 + year : 1900 + year;
  const ms = Date.UTC(full, month - 1, day, hour, minute, second);
  const date = new Date(ms);
  // The thirtieth of February would be a day in March.
  const isThere =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!isThere) throw new DerError('a time that there is not');
  return ms;
}
