/** The known name that somebody meant who wrote another one. */

/** At most one edit for every three letters written, and at most three; undefined where nothing is that near. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  const limit = Math.min(3, Math.ceil(written.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    // The lower bound spares the table for names that are out of reach, above all for absurdly long ones.
    if (Math.abs(name.length - written.length) > limit) continue;
    const distance = editDistance(written.toLowerCase(), name.toLowerCase());
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

/** Letters to add, take away or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
