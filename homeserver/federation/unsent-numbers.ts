/**
 * Which of a device's numbers were not sent, among those of which it is known what became of them: ranges as text, `6-6,9-12`. Pure. Most
 * devices have none: a number is left out where its message was encrypted anew, was given back, or was lost with a database.
 */

/** The newest ones: what a device asks about again it has handed in of late. */
const MAX_RANGES = 32;

interface Range {
  readonly first: number;
  readonly last: number;
}

/** With a range more, whose numbers are higher than all before. An empty one, whose first is above its last, changes nothing. */
export function withUnsent(unsent: string | null, first: number, last: number): string | null {
  if (first > last) return unsent;
  const ranges = read(unsent);
  const newest = ranges.at(-1);
  if (newest && newest.last >= first - 1)
    ranges.splice(-1, 1, { first: newest.first, last: Math.max(newest.last, last) });
  else ranges.push({ first, last });
  return ranges
    .slice(-MAX_RANGES)
    .map((range) => `${range.first}-${range.last}`)
    .join(',');
}

export function isUnsent(unsent: string | null, number: number): boolean {
  return read(unsent).some(({ first, last }) => number >= first && number <= last);
}

function read(unsent: string | null): Range[] {
  if (unsent === null || unsent === '') return [];
  return unsent.split(',').map((range) => {
    const [first = 0, last = 0] = range.split('-').map(Number);
    return { first, last };
  });
}
