/**
 * H.264 on its way through packets (ITU-T H.264, Annex B; RFC 6184). Whoever packs it looks for start codes, and whoever forwards it for parameter
 * sets and the kind of each picture; so that much stays in the clear, and what is encrypted must not look like a start code. Pure.
 */

/** Of a coded slice, not of an IDR picture and of one (table 7-1). */
const SLICE = 1;
const IDR = 5;
/** After the header of a NAL unit: of the slice header whose parameter set it is (section 7.3.3). */
const OF_SLICE = 2;
/** Else zeros at the end would be taken for padding. */
const END = 0x80;

/** How many bytes of a picture stay in the clear: all units before the first slice, and its begin. */
export function clearBytesOfH264(data: Uint8Array): number {
  for (let at = 0; at + 3 < data.length; at++) {
    if (data[at] !== 0 || data[at + 1] !== 0 || data[at + 2] !== 1) continue;
    const kind = (data[at + 3] ?? 0) & 0x1f;
    if (kind === SLICE || kind === IDR) return Math.min(data.length, at + 4 + OF_SLICE);
  }
  return data.length;
}

/**
 * With start codes of four bytes in the clear part, as whoever unpacks it writes them: what is authenticated must not change on the way.
 * @param clear as `clearBytesOfH264`
 */
export function withLongStartCodes(
  data: Uint8Array,
  clear: number,
): { readonly data: Uint8Array; readonly clear: number } {
  const bytes: number[] = [];
  let zeros = 0;
  for (const byte of data.subarray(0, clear)) {
    if (byte === 1 && zeros === 2) bytes.push(0);
    bytes.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  const whole = new Uint8Array(bytes.length + data.length - clear);
  whole.set(bytes);
  whole.set(data.subarray(clear), bytes.length);
  return { data: whole, clear: bytes.length };
}

/** The part behind `clear` written so that there is no start code in it (section 7.4.1.1). */
export function escaped(data: Uint8Array, clear: number): Uint8Array {
  const bytes: number[] = [];
  let zeros = zerosBefore(data, clear);
  for (const byte of [...data.subarray(clear), END]) {
    if (zeros >= 2 && byte <= 3) {
      bytes.push(3);
      zeros = 0;
    }
    bytes.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return joined(data.subarray(0, clear), bytes);
}

/** Undoes `escaped`. Undefined where it was not written so. */
export function unescaped(data: Uint8Array, clear: number): Uint8Array | undefined {
  const bytes: number[] = [];
  let zeros = zerosBefore(data, clear);
  for (const byte of data.subarray(clear)) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    bytes.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return bytes.pop() === END ? joined(data.subarray(0, clear), bytes) : undefined;
}

function zerosBefore(data: Uint8Array, end: number): number {
  let zeros = 0;
  while (zeros < end && data[end - 1 - zeros] === 0) zeros++;
  return zeros;
}

function joined(before: Uint8Array, rest: readonly number[]): Uint8Array {
  const whole = new Uint8Array(before.length + rest.length);
  whole.set(before);
  whole.set(rest, before.length);
  return whole;
}
