/** For tests: real inputs, spoilt in a few places. Random ones would be refused by their first byte and prove nothing. */
import process from 'node:process';
import fc from 'fast-check';

/** How many inputs each parser gets in a test. `HAWSER_FUZZ_RUNS=1000000` for a night. */
export const FUZZ_RUNS = Number(process.env.HAWSER_FUZZ_RUNS ?? 3_000);
/** What one input may take, ms, on a machine that does other things too. */
export const SOON_MS = 1_000;

export interface Edit {
  readonly kind: 'set' | 'flip' | 'cut' | 'copy' | 'end' | 'splice' | 'count' | 'repeat';
  /** Place as a part of the whole, from 0 up to and without 1. */
  readonly at: number;
  /** Where `copy`, `splice` and `repeat` take from. */
  readonly from: number;
  readonly value: number;
}

export interface Spoiling {
  /** Which of the inputs, and which one `splice` takes pieces of. */
  readonly which: number;
  readonly other: number;
  readonly edits: readonly Edit[];
}

/** Evenly from 0 up to and without 1: a `double` of fast-check is hardly ever above 10^-9, which is always the first byte. */
export const place = fc.noBias(fc.nat(2 ** 30 - 1)).map((number) => number / 2 ** 30);
/** The first bytes decide most, so that half of the edits are there. */
const early = fc.oneof(
  place,
  place.map((at) => at / 16),
);

/** Borders of the length fields of TLS and QUIC, heads of CBOR items, bytes of UTF-8, JSON and HTTP that mean something. */
const TELLING = [
  0, 1, 0x0a, 0x0d, 0x17, 0x18, 0x1b, 0x22, 0x2c, 0x3a, 0x3f, 0x40, 0x5b, 0x5c, 0x5d, 0x5f, 0x60, 0x7b, 0x7d, 0x7f,
  0x80, 0x81, 0x9b, 0xa1, 0xbb, 0xbf, 0xc0, 0xc2, 0xed, 0xf4, 0xf6, 0xf9, 0xff,
];

export const spoiling: fc.Arbitrary<Spoiling> = fc.record({
  which: fc.nat(9_999),
  other: fc.nat(9_999),
  edits: fc.array(
    fc.record({
      kind: fc.constantFrom<Edit['kind'][]>(
        'set',
        'set',
        'flip',
        'flip',
        'cut',
        'copy',
        'end',
        'splice',
        'count',
        'repeat',
      ),
      at: early,
      from: place,
      value: fc.oneof(fc.constantFrom(...TELLING), fc.nat(255)),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

/** Copies that `repeat` makes of one piece: nesting, and lists that are longer than they say. */
const MAX_COPIES = 40;

/** One of the inputs, spoilt. */
export function spoilt(inputs: readonly Uint8Array[], { which, other, edits }: Spoiling): Uint8Array<ArrayBuffer> {
  let bytes = oneOf(inputs, which).slice();
  for (const { kind, at, from, value } of edits) {
    const here = Math.floor(at * bytes.length);
    const length = 1 + (value % 64);
    if (kind === 'set') bytes[here] = value;
    else if (kind === 'flip') bytes[here] = (bytes[here] ?? 0) ^ (1 << (value % 8));
    else if (kind === 'cut') bytes = joined(bytes.subarray(0, here), bytes.subarray(here + length));
    else if (kind === 'end') bytes = bytes.slice(0, here);
    // A number of two, four or eight bytes that is as large as can be, or nearly.
    else if (kind === 'count') bytes.fill(value < 128 ? 0xff : 0x7f, here, here + 2 ** (1 + (value % 3)));
    else {
      const source = kind === 'splice' ? oneOf(inputs, other) : bytes;
      const start = Math.floor(from * source.length);
      const piece = source.slice(start, start + length);
      const copies = kind === 'repeat' ? 2 + (value % MAX_COPIES) : 1;
      bytes = joined(bytes.subarray(0, here), ...Array<Uint8Array>(copies).fill(piece), bytes.subarray(here));
    }
  }
  return bytes;
}

/** The same for text; what is no UTF-8 any more is replaced as a decoder does. */
export function spoiltText(inputs: readonly string[], how: Spoiling): string {
  return Buffer.from(
    spoilt(
      inputs.map((each) => Buffer.from(each)),
      how,
    ),
  ).toString();
}

function oneOf(inputs: readonly Uint8Array[], which: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(inputs[which % inputs.length] ?? []);
}

function joined(...pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(pieces));
}
