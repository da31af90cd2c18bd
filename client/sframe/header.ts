/** What stands before every encrypted frame: which key, and the how-manieth frame under it (RFC 9605, section 4.3). */
export interface Header {
  /** 64 bits. */
  readonly kid: bigint;
  /** 64 bits. */
  readonly ctr: bigint;
  /** Of the header itself. */
  readonly bytes: number;
}

/** Values up to this one stand in the first byte. */
const MAX_SHORT = 7n;
const LONG = 8;
const LENGTH_BITS = 3;
/** What a number holds exactly, in whole bytes. */
const LOW_BYTES = 6;
const LOW_BITS = 48n;
export const MAX_HEADER_BYTES = 17;

/** @returns 1 to 17 bytes, in the shortest encoding */
export function writeHeader(kid: bigint, ctr: bigint): Uint8Array {
  const [key, counter] = [tail(kid), tail(ctr)];
  const first = (half(kid, key) << (LENGTH_BITS + 1)) | half(ctr, counter);
  return Uint8Array.of(first, ...key, ...counter);
}

/** @returns undefined where the bytes do not begin with a header in its shortest encoding */
export function readHeader(bytes: Uint8Array): Header | undefined {
  const [first] = bytes;
  if (first === undefined) return undefined;
  const key = take(bytes, 1, first >> (LENGTH_BITS + 1));
  const counter = key && take(bytes, key.end, first & (2 * LONG - 1));
  return counter && { kid: key.value, ctr: counter.value, bytes: counter.end };
}

/** The bytes behind the first one, of which small values need none. */
function tail(value: bigint): readonly number[] {
  if (value <= MAX_SHORT) return [];
  const bytes: number[] = [];
  for (let rest = value; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 0xffn));
  return bytes;
}

function half(value: bigint, bytes: readonly number[]): number {
  return bytes.length === 0 ? Number(value) : LONG | (bytes.length - 1);
}

function take(bytes: Uint8Array, at: number, nibble: number): { value: bigint; end: number } | undefined {
  if (nibble < LONG) return { value: BigInt(nibble), end: at };
  const end = at + (nibble & (LONG - 1)) + 1;
  if (end > bytes.length) return undefined;
  // With a zero before it, or small enough for the first byte, it would be shorter.
  if (bytes[at] === 0 || (end === at + 1 && (bytes[at] ?? 0) <= MAX_SHORT)) return undefined;
  const middle = Math.max(at, end - LOW_BYTES);
  const low = BigInt(numberIn(bytes, middle, end));
  // Large integers cost more than all else that is done with a header: there are two at most.
  return { value: middle === at ? low : (BigInt(numberIn(bytes, at, middle)) << LOW_BITS) | low, end };
}

function numberIn(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 256 + (bytes[at] ?? 0);
  return value;
}
