/** Real inputs, spoilt: random ones are refused by their first byte and prove nothing. */
import fc from 'fast-check';

export interface Edit {
  readonly kind: 'set' | 'flip' | 'cut' | 'copy' | 'end' | 'splice';
  /** Place as a part of the whole, 0 to 1. */
  readonly at: number;
  readonly to: number;
  readonly value: number;
}

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** Heads of CBOR items and UTF-8 bytes that mean something. */
const TELLING = [
  0, 1, 0x17, 0x18, 0x1b, 0x40, 0x5f, 0x60, 0x7f, 0x80, 0x81, 0x9b, 0xa1, 0xbb, 0xc2, 0xed, 0xf4, 0xf6, 0xf9, 0xff,
];

export const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('set', 'flip', 'cut', 'copy', 'end', 'splice'),
    at: place,
    to: place,
    value: fc.oneof(fc.constantFrom(...TELLING), fc.nat(255)),
  }),
  { minLength: 1, maxLength: 4 },
);

/** @param other what `splice` takes pieces from */
export function spoilt(input: Uint8Array, other: Uint8Array, how: readonly Edit[]): Uint8Array {
  let bytes = input.slice();
  for (const { kind, at, to, value } of how) {
    const from = Math.floor(at * bytes.length);
    const length = 1 + (value % 32);
    if (kind === 'set') bytes[from] = value;
    else if (kind === 'flip') bytes[from] = (bytes[from] ?? 0) ^ (1 << (value % 8));
    else if (kind === 'cut') bytes = joined(bytes.subarray(0, from), bytes.subarray(from + length));
    else if (kind === 'end') bytes = bytes.slice(0, from);
    else {
      const source = kind === 'copy' ? bytes : other;
      const start = Math.floor(to * source.length);
      bytes = joined(bytes.subarray(0, from), source.slice(start, start + length), bytes.subarray(from));
    }
  }
  return bytes;
}

function joined(...pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

/** How many inputs each parser gets. `HAWSER_FUZZ_RUNS=1000000` for a night. */
export const FUZZ_RUNS = Number(process.env.HAWSER_FUZZ_RUNS ?? 10_000);
