/** What can be wrong with a database: at the start, for the administrator; later, for whoever waits for an answer. */
import { HawserError } from '#signalling/errors.ts';

/** The database cannot be used; the message tells the administrator why and what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** The connection is gone or cannot be had, which says nothing about the query. */
export function isUnavailable(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return UNAVAILABLE.has(code) || code.startsWith('08');
  return (
    error instanceof Error &&
    /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded|Query read timeout)/.test(
      error.message,
    )
  );
}

/**
 * The same error for those who asked: with a code where the database is away or has no room, untouched otherwise.
 * @returns HawserError HOME_STORE_UNAVAILABLE, HOME_STORE_FULL, or what came
 */
export function coded(error: unknown): unknown {
  const trouble = troubleOfSqlite(error);
  if (trouble !== undefined || codeOf(error) === DISK_FULL) {
    return new HawserError(trouble ?? 'HOME_STORE_FULL', undefined, { cause: error });
  }
  if (!isUnavailable(error) && !(error instanceof StoreError)) return error;
  return new HawserError('HOME_STORE_UNAVAILABLE', undefined, { cause: error });
}

/** Whether what failed is the database, whatever was asked of it: it makes no sense to go on with the next thing. */
export function isStoreTrouble(error: unknown): boolean {
  return error instanceof HawserError && (error.code === 'HOME_STORE_UNAVAILABLE' || error.code === 'HOME_STORE_FULL');
}

/** Of the low byte of SQLite's result code (https://sqlite.org/rescode.html): the rest of it only says where it happened. */
function troubleOfSqlite(error: unknown): 'HOME_STORE_FULL' | 'HOME_STORE_UNAVAILABLE' | undefined {
  if (codeOf(error) !== 'ERR_SQLITE_ERROR') return undefined;
  const { errcode } = error as { readonly errcode?: unknown };
  const primary = typeof errcode === 'number' ? errcode & 0xff : 0;
  if (primary === SQLITE_FULL) return 'HOME_STORE_FULL';
  return SQLITE_AWAY.has(primary) ? 'HOME_STORE_UNAVAILABLE' : undefined;
}

/** Why a server cannot start with a PostgreSQL database. @param where `hawser at db.alpha.example` */
export function startFault(error: unknown, where: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = codeOf(error) ?? 'no answer';
  return new StoreError(`The database ${where}: ${SENTENCES[code] ?? whyNot(error, code)}`, { cause: error });
}

/** Of PostgreSQL five characters (appendix A of its manual), of Node a name. */
export function codeOf(error: unknown): string | undefined {
  // Node tries several addresses of one name and reports all failures together.
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const SQLITE_FULL = 13;
/** BUSY (another process holds the file for longer than we wait), READONLY, IOERR, CANTOPEN. */
const SQLITE_AWAY: ReadonlySet<number> = new Set([5, 8, 10, 14]);
/** disk_full of PostgreSQL. */
const DISK_FULL = '53100';

const UNAVAILABLE: ReadonlySet<string> = new Set([
  // Node's
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN'],
  ...['ENETUNREACH', 'ENETDOWN', 'ENOENT', 'EAI_AGAIN', 'ENOTFOUND'],
  // admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections
  ...['57P01', '57P02', '57P03', '53300'],
  // idle_session_timeout
  '57P05',
]);

const SENTENCES: Readonly<Record<string, string>> = {
  '28P01': 'it refuses the user or the password. Check homeserver.database and homeserver.databasePasswordFile.',
  '28000': 'it does not let this user in from here. Check homeserver.database, and pg_hba.conf of PostgreSQL.',
  '3D000': 'there is no such database. Make it: createdb --encoding=UTF8 --owner=USER DATABASE',
  '42501': 'the user may not make tables in it. Give it to the user: ALTER DATABASE name OWNER TO user',
  '25006': 'it is a standby, which takes no changes. Name the primary in homeserver.database.',
  '53300': 'it has no connection left. A homeserver needs 10; raise max_connections of PostgreSQL.',
  ENOTFOUND: 'the name of its host is not known. Check homeserver.database.',
};

function whyNot(error: unknown, code: string): string {
  if (isUnavailable(error))
    return `it cannot be reached (${code}). Check that PostgreSQL runs, and homeserver.database.`;
  if (error instanceof Error && /SSL|TLS|CERT|certificate/.test(`${code} ${error.message}`)) {
    return `TLS with it fails (${code}). Check sslmode and sslrootcert in homeserver.database.`;
  }
  return `it cannot be opened or brought up to date (${code}). Its own log tells more.`;
}
