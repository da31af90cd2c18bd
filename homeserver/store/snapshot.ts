/** Reading several tables as they were at one moment, while others write. */
import type { Db } from './store.ts';

/**
 * Runs queries that belong together on one state of the database. In a transaction they do so anyway. Not for writing.
 * Both engines answer from a snapshot and hold no writer up; a SQLite in memory, as tests have it, lets writers wait.
 */
export function atOneMoment<T>(db: Db, read: (db: Db) => Promise<T>): Promise<T> {
  if (db.isTransaction) return read(db);
  return db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read);
}
