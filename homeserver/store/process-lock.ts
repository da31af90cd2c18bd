/** One process at a time: a lock beside the database that ends with its owner, however that ends. */
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from './faults.ts';

/** SQLITE_BUSY (https://sqlite.org/rescode.html#busy). */
const BUSY = 5;

/**
 * An exclusive transaction on an empty SQLite file: the kernel gives it back when the process is gone, so that there are no
 * stale locks to tell from live ones.
 * @param database path of the database; the lock is `<path>.lock`
 * @throws StoreError where another process has it
 */
export function lockForThisProcess(database: string): Disposable {
  const lock = new DatabaseSync(`${database}.lock`, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!(error instanceof Error && 'errcode' in error && error.errcode === BUSY)) throw error;
    throw new StoreError(`A homeserver is running on ${database}. Stop that one first.`, { cause: error });
  }
  return lock;
}
