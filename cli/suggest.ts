/** " Did you mean …?" for a mistyped word. */

/**
 * The sentence to add to a refusal, with a space before it, or '' when nothing known is near.
 * Near means at most one edit for every three letters typed, and at most three: `demmo` is `demo`, `xyz` is nothing.
 */
export function didYouMean(typed: string, known: readonly string[]): string {
  const best = nearest(typed, known);
  return best === undefined ? '' : ` Did you mean ${best}?`;
}

export function nearest(typed: string, known: readonly string[]): string | undefined {
  const limit = Math.min(3, Math.ceil(typed.replace(/^-+/, '').length / 3));
  let best: { word: string; distance: number } | undefined;
  for (const word of known) {
    const distance = editDistance(typed, word);
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { word, distance };
  }
  return best?.word;
}

/**
 * How many letters have to be added, taken away, replaced, or swapped with their neighbour to make one word of the other
 * (Damerau-Levenshtein, each piece edited once).
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + (same ? 0 : 1),
        swapped ? at(beforeLast, j - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
