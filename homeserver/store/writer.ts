/**
 * Group commit: what is to be written at about the same time is written in one transaction, because the disk's answer takes
 * longer than everything else (a sync of 1 ms bounds single transactions to 1,000 a second).
 */
import { sql } from 'kysely';
import { type Savepoint, undoable } from './after-commit.ts';
import type { Db, Store } from './store.ts';

interface Work {
  readonly run: (tx: Db) => Promise<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly work: Work; readonly settle: () => void };

/** Works in one transaction; more wait for the next one, so that nobody waits long. */
const MAX_BATCH = 256;

const SAVEPOINT: Savepoint = {
  begin: (tx) => sql`savepoint work`.execute(tx),
  keep: (tx) => sql`release savepoint work`.execute(tx),
  undo: async (tx) => {
    await sql`rollback to savepoint work`.execute(tx);
    await sql`release savepoint work`.execute(tx);
  },
};

export class Writer {
  readonly #store: Store;
  #waiting: Work[] = [];
  #running: Promise<void> | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Runs a work in a transaction that it shares with others, one after the other. A work that throws leaves nothing behind,
   * and the others do not notice. Resolves when all of it is on disk.
   */
  run<T>(work: (tx: Db) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ run: work, resolve: (result) => resolve(result as T), reject });
      this.#running ??= this.#drain();
    });
  }

  /** Resolves when everything that was begun is done. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What else arrives in this turn of the event loop comes along.
      await new Promise((resolve) => setImmediate(resolve));
      const batch = this.#waiting.splice(0, MAX_BATCH);
      try {
        const [first, ...others] = batch;
        // One alone needs no part of its own that can be undone: where it throws, so does the transaction.
        const isAlone = first !== undefined && others.length === 0;
        if (isAlone) first.resolve(await this.#store.transaction((tx) => first.run(tx)));
        else for (const { settle } of await this.#store.transaction((tx) => runAll(tx, batch))) settle();
      } catch (error) {
        // The transaction as a whole failed: nothing of anybody was written.
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = undefined;
  }
}

async function runAll(tx: Db, batch: readonly Work[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const work of batch) {
    try {
      const result = await undoable(tx, () => work.run(tx), SAVEPOINT);
      outcomes.push({ work, settle: () => work.resolve(result) });
    } catch (error) {
      outcomes.push({ work, settle: () => work.reject(error) });
    }
  }
  return outcomes;
}
