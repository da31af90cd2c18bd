/**
 * The one connection that writes. It holds the lock of the database as long as it lives, so that no write can come from a
 * server that does not have the lock: not from a second one, and not from one that was cut off and does not know it.
 */
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import pg from 'pg';
import { placeInWords } from '#site/database.ts';
import { codeOf, isUnavailable, StoreError } from './faults.ts';
import { clientConfig, type PostgresPlace } from './postgres-session.ts';

/** Key of the advisory lock, which is the database's own: the letters HAWS and 1. */
const LOCK = '5206538658210906113';

/** How long a server that is just ending, or whose machine died, may keep the lock, ms. */
const LOCK_WAIT_MS = 5_000;

/** Longest that one statement may take before the connection counts as dead, ms. Migrations may take longer. */
const STATEMENT_MS = 60_000;

/** Pause between attempts to connect anew, ms. */
const PAUSE_MS = 500;

const LOCK_NOT_AVAILABLE = '55P03';
/** A primary that has become a standby: another one takes the changes now. */
const READ_ONLY = '25006';

/**
 * Whatever the database's own defaults are: what is committed is on disk, an idle writer is not thrown out, and the lock of a
 * machine that vanished is free after 25 seconds. Settings that a version does not know are left out.
 */
const settings = (lockWaitMs: number) => `
  select set_config(wanted.name, wanted.value, false)
  from (values
    ('lock_timeout', '${lockWaitMs}'), ('synchronous_commit', 'on'), ('idle_session_timeout', '0'),
    ('idle_in_transaction_session_timeout', '0'), ('statement_timeout', '0'), ('default_transaction_isolation', 'read committed'),
    ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3')
  ) as wanted(name, value)
  join pg_settings using (name)`;

export interface WriterOptions {
  readonly place: PostgresPlace;
  /** The connection was lost, or is back. */
  readonly onTrouble: (sentence: string) => void;
  /** LOCK_WAIT_MS when left out. */
  readonly lockWaitMs?: number | undefined;
}

/** A pool of one, first come first served. */
export class Writer implements PostgresPool {
  readonly options = {};
  /** While it is set, a statement may take as long as it likes. */
  isPatient = false;
  readonly #place: PostgresPlace;
  readonly #onTrouble: (sentence: string) => void;
  readonly #lockWaitMs: number;
  #client: pg.Client | undefined;
  #turn: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown; readonly until: number } | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor({ place, onTrouble, lockWaitMs = LOCK_WAIT_MS }: WriterOptions) {
    this.#lockWaitMs = lockWaitMs;
    this.#place = place;
    this.#onTrouble = onTrouble;
  }

  /** @throws StoreError where another server has the lock; what node-postgres throws where there is no connection */
  async connect(): Promise<PostgresPoolClient> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#turn;
    this.#turn = promise;
    await before;
    try {
      const client = await this.#living();
      return this.#lend(client, resolve);
    } catch (error) {
      resolve();
      throw error;
    }
  }

  async end(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#again);
    await this.#turn;
    await this.#client?.end();
  }

  #lend(client: pg.Client, giveBack: () => void): PostgresPoolClient {
    return new Lent({
      query: async (text, values) => {
        try {
          return await client.query({
            text,
            values: [...values],
            ...(!this.isPatient && { query_timeout: STATEMENT_MS }),
          });
        } catch (error) {
          // The answer to this statement may still come, and must not be taken for that to the next one.
          const fault =
            codeOf(error) === READ_ONLY ? new Error('Connection terminated: a standby', { cause: error }) : error;
          if (isUnavailable(fault)) this.#lost(client);
          throw fault;
        }
      },
      release: (destroy) => {
        if (destroy) this.#lost(client);
        giveBack();
      },
    });
  }

  async #living(): Promise<pg.Client> {
    if (this.#client) return this.#client;
    // Those who wait in line behind an attempt that failed need not each make their own.
    if (this.#failure && performance.now() < this.#failure.until) throw this.#failure.error;
    try {
      this.#client = await this.#open();
      if (this.#failure) this.#onTrouble('The database is back.');
      this.#failure = undefined;
      return this.#client;
    } catch (error) {
      this.#failure = { error, until: performance.now() + PAUSE_MS / 2 };
      throw error;
    }
  }

  async #open(): Promise<pg.Client> {
    if (this.#isClosed) throw new StoreError('The database was closed.');
    const client = new pg.Client(clientConfig(this.#place));
    // Also a connection that nobody uses at the moment reports its end, and an error event without a listener ends the process.
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    try {
      await client.connect();
      await client.query(settings(this.#lockWaitMs));
      await client.query(`select pg_advisory_lock(${LOCK})`);
      await client.query('set lock_timeout = 0');
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (codeOf(error) !== LOCK_NOT_AVAILABLE) throw error;
      throw new StoreError(
        `Another homeserver is running on the database ${placeInWords(this.#place.url)}. Stop that one first: one server writes to a database.`,
        { cause: error },
      );
    }
  }

  /** Without delay the lock is asked for again, before somebody else can have it. */
  #lost(client: pg.Client): void {
    if (client !== this.#client || this.#isClosed) return;
    this.#client = undefined;
    this.#failure = { error: new Error('Connection terminated'), until: 0 };
    this.#onTrouble('The connection to the database was lost. It is opened again as soon as that answers.');
    client.end().catch(() => undefined);
    this.#reopen();
  }

  #reopen(): void {
    clearTimeout(this.#again);
    this.#again = setTimeout(async () => {
      if (this.#client || this.#isClosed) return;
      try {
        (await this.connect()).release();
      } catch {
        this.#reopen();
      }
    }, PAUSE_MS);
    this.#again.unref();
  }
}

interface Loan {
  readonly query: (text: string, values: readonly unknown[]) => Promise<pg.QueryResult>;
  readonly release: (destroy: boolean) => void;
}

/** The connection as Kysely wants it. */
class Lent implements PostgresPoolClient {
  readonly #loan: Loan;

  constructor(loan: Loan) {
    this.#loan = loan;
  }

  query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(
    what: string | PostgresCursor<R>,
    values: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof what !== 'string') throw new TypeError('nothing is read through a cursor while others wait to write');
    return this.#ask(what, values);
  }

  async #ask<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    const { command, rowCount, rows } = await this.#loan.query(text, values);
    // The driver names any statement; Kysely asks only whether it is one of these.
    return { command: command as PostgresQueryResult<R>['command'], rowCount: rowCount ?? 0, rows };
  }

  release(destroy = false): void {
    this.#loan.release(destroy);
  }
}
