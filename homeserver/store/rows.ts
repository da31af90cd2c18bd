/** Many rows in few statements. */

/** Bound parameters of one statement stay below the 32,766 of SQLite and the 65,535 of PostgreSQL. */
const MOST = 128;

/**
 * Parts whose lengths are powers of two: a statement for each length is prepared once and used again, while one for every number of
 * rows would fill every cache of statements.
 */
export function* inParts<T>(rows: readonly T[], most = MOST): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; ) {
    const length = Math.min(most, 2 ** Math.floor(Math.log2(rows.length - at)));
    yield rows.slice(at, at + length);
    at += length;
  }
}
