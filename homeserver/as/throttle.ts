/**
 * Slows down guessing: after five failures a key (an account, an address) waits between attempts, longer each time. Pure:
 * a table of failures and the time go in, a waiting time comes out.
 */

export interface Failures {
  readonly count: number;
  /** ms; when the last one was */
  readonly at: number;
}

export type FailureTable = Map<string, Failures>;

const FREE_FAILURES = 5;
const FIRST_WAIT_MS = 2_000;
/** One minute: a person who forgot a password is annoyed, a guesser has 1,440 tries a day. */
const LONGEST_WAIT_MS = 60_000;
/** After this long without a failure everything is forgotten. */
const FORGET_MS = 15 * 60_000;
/** Bound of the table; the oldest entries go first. */
const MAX_ENTRIES = 50_000;

/** How long the key has to wait from `now` on before its next attempt, ms; 0 where it need not. */
export function waitOf(table: FailureTable, key: string, now: number): number {
  const failures = table.get(key);
  if (!failures || failures.count < FREE_FAILURES || now - failures.at >= FORGET_MS) return 0;
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures.count - FREE_FAILURES));
  return Math.max(0, failures.at + wait - now);
}

export function failed(table: FailureTable, key: string, now: number): void {
  const before = table.get(key);
  const count = before && now - before.at < FORGET_MS ? before.count + 1 : 1;
  table.delete(key); // to the end of the order, which is the order of age
  table.set(key, { count, at: now });
  const oldest = table.keys().next().value;
  if (table.size > MAX_ENTRIES && oldest !== undefined) table.delete(oldest);
}

export function succeeded(table: FailureTable, key: string): void {
  table.delete(key);
}

/** Takes so many failures back, as those of somebody who turned out to be who he says. */
export function forgiven(table: FailureTable, key: string, count: number): void {
  const before = table.get(key);
  if (!before || count === 0) return;
  // In its place: when it failed last has not changed.
  if (before.count > count) table.set(key, { ...before, count: before.count - count });
  else table.delete(key);
}

/** Failures that count now. */
export function failuresOf(table: FailureTable, key: string, now: number): number {
  const failures = table.get(key);
  return failures && now - failures.at < FORGET_MS ? failures.count : 0;
}
