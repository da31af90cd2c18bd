/**
 * Kysely with one writer, on either engine: transactions and statements that change something go one after the other over one
 * connection; what only reads goes over others at the same time, and sees what is committed. So whatever is right on the one engine is
 * right on the other, without isolation levels to think about, and no reader waits for a writer.
 */
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely';
import { coded, isUnavailable } from './faults.ts';

/** Between two attempts to reach a database that is away. */
const PAUSE_MS = 100;

/** Of Kysely's own, with savepoints. */
export type WholeDriver = Required<Driver>;

export class OneWriterDriver implements WholeDriver {
  readonly #readers: WholeDriver;
  readonly #writer: WholeDriver;
  readonly #patienceMs: number;

  /** @param patienceMs for so long a query waits for a database that is away, and is asked again where that is safe */
  constructor(readers: WholeDriver, writer: WholeDriver, patienceMs = 0) {
    this.#readers = readers;
    this.#writer = writer;
    this.#patienceMs = patienceMs;
  }

  async init(): Promise<void> {
    await this.#writer.init();
    await this.#readers.init();
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return new Lane(this.#readers, this.#writer, this.#patienceMs);
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    await laneOf(connection).begin(settings);
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return laneOf(connection).withTaken(({ driver, connection: taken }) => driver.commitTransaction(taken));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await laneOf(connection).withTaken(({ driver, connection: taken }) => driver.rollbackTransaction(taken));
    } catch {
      // The connection is discarded, and its transaction with it. What went wrong before is what the caller has to hear.
    }
  }

  savepoint(connection: DatabaseConnection, ...rest: Savepoint): Promise<void> {
    return laneOf(connection).withTaken(({ driver, connection: taken }) => driver.savepoint(taken, ...rest));
  }

  rollbackToSavepoint(connection: DatabaseConnection, ...rest: Savepoint): Promise<void> {
    return laneOf(connection).withTaken(({ driver, connection: taken }) => driver.rollbackToSavepoint(taken, ...rest));
  }

  releaseSavepoint(connection: DatabaseConnection, ...rest: Savepoint): Promise<void> {
    return laneOf(connection).withTaken(({ driver, connection: taken }) => driver.releaseSavepoint(taken, ...rest));
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return laneOf(connection).giveBack();
  }

  async destroy(): Promise<void> {
    await this.#readers.destroy();
    await this.#writer.destroy();
  }
}

type Savepoint = [name: string, compile: Parameters<WholeDriver['savepoint']>[2]];

interface Taken {
  readonly driver: WholeDriver;
  readonly connection: DatabaseConnection;
}

/** What Kysely takes for a connection. It becomes a real one when it is known what it is for. */
class Lane implements DatabaseConnection {
  readonly #readers: WholeDriver;
  readonly #writer: WholeDriver;
  readonly #patienceMs: number;
  /** The one of the transaction that goes on. */
  #taken: Taken | undefined;

  constructor(readers: WholeDriver, writer: WholeDriver, patienceMs: number) {
    this.#readers = readers;
    this.#writer = writer;
    this.#patienceMs = patienceMs;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#taken) return this.withTaken(({ connection }) => connection.executeQuery<R>(query));
    if (isRead(query)) {
      return this.#retried(async () => {
        const taken = await take(this.#readers);
        return use(taken, () => taken.connection.executeQuery<R>(query));
      });
    }
    // Whether a change that got no answer was made is not known, so that only the connection is tried for again.
    const taken = await this.#retried(() => take(this.#writer));
    return use(taken, () => taken.connection.executeQuery<R>(query)).catch(rethrowCoded);
  }

  async *streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    const own = this.#taken === undefined ? await this.#retried(() => take(this.#readers)) : undefined;
    try {
      yield* (own ?? this.#transaction()).connection.streamQuery<R>(query, chunkSize);
    } finally {
      await own?.driver.releaseConnection(own.connection);
    }
  }

  async begin(settings: TransactionSettings): Promise<void> {
    const driver = settings.accessMode === 'read only' ? this.#readers : this.#writer;
    this.#taken = await this.#retried(async () => {
      const taken = await take(driver);
      try {
        await driver.beginTransaction(taken.connection, settings);
        return taken;
      } catch (error) {
        await driver.releaseConnection(taken.connection);
        throw error;
      }
    });
  }

  /** @throws HawserError HOME_STORE_UNAVAILABLE */
  async withTaken<T>(work: (taken: Taken) => Promise<T>): Promise<T> {
    return work(this.#transaction()).catch(rethrowCoded);
  }

  async giveBack(): Promise<void> {
    const taken = this.#taken;
    this.#taken = undefined;
    await taken?.driver.releaseConnection(taken.connection);
  }

  #transaction(): Taken {
    if (!this.#taken) throw new Error('there is no transaction');
    return this.#taken;
  }

  /** For what has no effect when it fails. @throws HawserError HOME_STORE_UNAVAILABLE when the patience is over */
  async #retried<T>(attempt: () => Promise<T>): Promise<T> {
    const end = performance.now() + this.#patienceMs;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!isUnavailable(error) || performance.now() + PAUSE_MS > end) throw coded(error);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }
}

async function take(driver: WholeDriver): Promise<Taken> {
  return { driver, connection: await driver.acquireConnection() };
}

async function use<T>({ driver, connection }: Taken, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await driver.releaseConnection(connection);
  }
}

function rethrowCoded(error: unknown): never {
  throw coded(error);
}

function laneOf(connection: DatabaseConnection): Lane {
  if (connection instanceof Lane) return connection;
  throw new TypeError('a connection of another driver');
}

/** Only what certainly changes nothing: a plain select that locks no row. */
function isRead({ query }: CompiledQuery): boolean {
  return query.kind === 'SelectQueryNode' && query.with === undefined && (query.endModifiers ?? []).length === 0;
}
