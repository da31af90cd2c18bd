/** How every connection to PostgreSQL is set up, and how its values become ours: the same as those of SQLite. */
import pg from 'pg';
import { withPassword } from '#site/database.ts';
import type { Place } from './place.ts';

export type PostgresPlace = Place & { engine: 'postgres' };

/** How long a connection may take to come about, ms. */
const CONNECT_MS = 5_000;

/** After this long without a word Node asks whether the other machine is still there, ms. */
const KEEP_ALIVE_MS = 10_000;

export function clientConfig({ url, password }: PostgresPlace): pg.ClientConfig {
  return {
    connectionString: password === undefined ? url : withPassword(url, password),
    application_name: 'hawser',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    types: { getTypeParser: parserOf },
  };
}

/** Numbers of PostgreSQL's types, from its catalogue pg_type. */
const INT8 = 20;
const NUMERIC = 1_700;
const BYTEA = 17;

/** By default node-postgres gives large numbers as strings. Ours are times and counts, which a double holds exactly. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [INT8]: exact,
  // The sum of bigints
  [NUMERIC]: Number,
  [BYTEA]: (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex')),
};

function parserOf(oid: number, format?: 'text' | 'binary') {
  const own = format === 'binary' ? undefined : PARSERS[oid];
  return own ?? pg.types.getTypeParser(oid, format === 'binary' ? 'binary' : 'text');
}

function exact(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a number of the database is too large');
  return value;
}
