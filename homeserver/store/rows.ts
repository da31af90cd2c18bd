/** Many rows in few statements. */

/** Bound parameters of one statement stay below the 32,766 of SQLite and the 65,535 of PostgreSQL. */
const MOST = 128;

/** Up to here every number of rows has a statement of its own. */
const FEW = 8;

/**
 * Rows to be written, in parts of few lengths: a statement for each length is prepared once and used again, while one for every number of
 * rows would fill every cache of statements.
 */
export function* inParts<T>(rows: readonly T[], most = MOST): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; ) {
    const left = rows.length - at;
    const length = Math.min(most, left <= FEW ? left : 2 ** Math.floor(Math.log2(left)));
    yield rows.slice(at, at + length);
    at += length;
  }
}

/** Values for an `in (…)`, in lists of few lengths: filled up with the last value, which changes nothing about what is found. */
export function* inLists<T>(values: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < values.length; at += MOST) {
    const list = values.slice(at, at + MOST);
    const last = list.slice(-1);
    const length = 2 ** Math.ceil(Math.log2(list.length));
    yield [...list, ...Array.from({ length: length - list.length }, () => last).flat()];
  }
}
