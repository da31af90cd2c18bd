/** As much of DER (X.690) as it takes to cut the signed part out of a signed structure. */

/** What comes first inside a SEQUENCE, with its own header: of a signed structure (X.509, CRL) what was signed. */
export function firstInside(der: Uint8Array): Uint8Array {
  const outer = header(der, 0);
  const inner = header(der, outer.start);
  return der.subarray(outer.start, inner.end);
}

/** Tag, length and value at an offset; lengths of up to four bytes. */
function header(der: Uint8Array, offset: number): { start: number; end: number } {
  const first = der[offset + 1] ?? 0;
  let start = offset + 2;
  let length = first;
  if (first > 0x80) {
    const bytes = first & 0x7f;
    if (bytes > 4) throw new RangeError('a DER length of more than four bytes');
    length = 0;
    for (let i = 0; i < bytes; i++) length = length * 256 + (der[start + i] ?? 0);
    start += bytes;
  }
  if (first === 0x80 || start + length > der.length) throw new RangeError('a DER length beyond the end');
  return { start, end: start + length };
}
