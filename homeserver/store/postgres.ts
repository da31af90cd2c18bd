/** Kysely on PostgreSQL: one connection that writes, and several that read. */
import { type Driver, PostgresDialect, PostgresDriver } from 'kysely';
import pg from 'pg';
import { OneWriterDriver } from './one-writer.ts';
import { clientConfig, type PostgresPlace } from './postgres-session.ts';
import { Writer } from './postgres-writer.ts';

/** Connections that read. */
const READERS = 8;

/** Longest that one query may take before its connection counts as dead, ms. */
const QUERY_MS = 30_000;

/** For so long a query waits for a database that is away, and is asked again where that is safe, ms. */
export const PATIENCE_MS = 5_000;

export interface PostgresOptions {
  readonly place: PostgresPlace;
  /** The connection was lost, or is back: a sentence for the log. */
  readonly onTrouble: (sentence: string) => void;
  /** PATIENCE_MS when left out. */
  readonly patienceMs?: number | undefined;
  /** How long another server may keep the lock, ms. */
  readonly lockWaitMs?: number | undefined;
}

export class OneWriterDialect extends PostgresDialect {
  readonly writer: Writer;
  readonly #readers: pg.Pool;
  readonly #patienceMs: number;

  constructor({ place, onTrouble, patienceMs = PATIENCE_MS, lockWaitMs }: PostgresOptions) {
    const readers = new pg.Pool({
      ...clientConfig(place),
      max: READERS,
      query_timeout: QUERY_MS,
      // A wall behind `isRead`: nothing is changed without the lock that the writer holds.
      options: '-c default_transaction_read_only=on',
    });
    // Without a listener the end of a connection that is not in use would end the process.
    readers.on('error', () => undefined);
    readers.on('connect', (client) => client.on('error', () => undefined));
    super({ pool: readers });
    this.writer = new Writer({ place, onTrouble, lockWaitMs });
    this.#readers = readers;
    this.#patienceMs = patienceMs;
  }

  override createDriver(): Driver {
    const readers = new PostgresDriver({ pool: this.#readers });
    return new OneWriterDriver(readers, new PostgresDriver({ pool: this.writer }), this.#patienceMs);
  }
}
