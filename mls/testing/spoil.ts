/** Real bytes, spoilt in a few places: random ones would be refused by the first of them. */
import fc from 'fast-check';

export type Edit =
  | { kind: 'set'; at: number; value: number }
  | { kind: 'flip'; at: number; value: number }
  | { kind: 'cut'; at: number; length: number }
  | { kind: 'copy'; at: number; to: number; length: number }
  | { kind: 'end'; at: number };

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
// The first bytes decide most, so that half of the edits are there.
const early = fc.oneof(
  place,
  place.map((at) => at / 16),
);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({
    kind: fc.constant('set' as const),
    at: early,
    value: fc.constantFrom(0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff),
  }),
  fc.record({ kind: fc.constant('flip' as const), at: early, value: fc.integer({ min: 0, max: 7 }) }),
  fc.record({ kind: fc.constant('cut' as const), at: early, length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ kind: fc.constant('copy' as const), at: place, to: early, length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ kind: fc.constant('end' as const), at: place }),
);
export const spoiling = fc.record({ which: fc.nat(1000), edits: fc.array(edit, { minLength: 1, maxLength: 4 }) });

export function spoilt(
  inputs: readonly Uint8Array[],
  { which, edits }: { which: number; edits: readonly Edit[] },
): Uint8Array {
  let input = (inputs[which % inputs.length] ?? new Uint8Array()).slice();
  for (const each of edits) {
    const at = Math.floor(each.at * input.length);
    if (each.kind === 'set') input[at] = each.value;
    else if (each.kind === 'flip') input[at] = (input[at] ?? 0) ^ (1 << each.value);
    else if (each.kind === 'cut') input = Uint8Array.of(...input.subarray(0, at), ...input.subarray(at + each.length));
    else if (each.kind === 'end') input = input.slice(0, at);
    else {
      const to = Math.floor(each.to * input.length);
      const piece = input.slice(at, at + each.length);
      input = Uint8Array.of(...input.subarray(0, to), ...piece, ...input.subarray(to));
    }
  }
  return input;
}
