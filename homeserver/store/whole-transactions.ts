/**
 * SQLite ends a transaction by itself where the disk is full or fails (https://sqlite.org/lang_transaction.html, section 3), and takes
 * whatever is executed next as something of its own. So a transaction that had several works would be written in part: here all
 * that comes behind such a failure in the same transaction fails with it.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { SqliteStatement } from 'kysely';

export class WholeTransactions {
  readonly #database: Pick<DatabaseSync, 'isTransaction'>;
  #hasBegun = false;
  /** Why the one that was begun is over. */
  #failure: unknown;

  constructor(database: Pick<DatabaseSync, 'isTransaction'>) {
    this.#database = database;
  }

  /** A statement that is not executed where its transaction is over. */
  guard(sql: string, { reader, all, run, iterate }: SqliteStatement): SqliteStatement {
    switch (sql) {
      case 'begin':
        return { reader, all, iterate, run: (parameters) => this.#begin(() => run(parameters)) };
      case 'rollback':
        return { reader, all, iterate, run: (parameters) => this.#rollBack(() => run(parameters)) };
      case 'commit':
        return { reader, all, iterate, run: (parameters) => this.#commit(() => run(parameters)) };
      default:
        return {
          reader,
          iterate,
          all: (parameters) => this.#inside(() => all(parameters)),
          run: (parameters) => this.#inside(() => run(parameters)),
        };
    }
  }

  #begin<T>(execute: () => T): T {
    const result = execute();
    this.#hasBegun = true;
    this.#failure = undefined;
    return result;
  }

  #commit<T>(execute: () => T): T {
    const result = this.#inside(execute);
    this.#hasBegun = false;
    return result;
  }

  #rollBack<T extends { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint }>(
    execute: () => T,
  ): T {
    const isOver = this.#isOver;
    this.#hasBegun = false;
    return isOver ? ({ changes: 0, lastInsertRowid: 0 } as T) : execute();
  }

  #inside<T>(execute: () => T): T {
    if (this.#isOver) throw this.#failure;
    try {
      return execute();
    } catch (error) {
      if (this.#isOver) this.#failure = error;
      throw error;
    }
  }

  get #isOver(): boolean {
    return this.#hasBegun && !this.#database.isTransaction;
  }
}
