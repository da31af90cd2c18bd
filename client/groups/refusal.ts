/** What the answer to a commit says about it, and whether there was one. */
import { type ErrorCode, HawserError } from '#signalling/errors.ts';

export function isCode(error: unknown, ...codes: ErrorCode[]): error is HawserError {
  return error instanceof HawserError && codes.includes(error.code);
}

/** The hub will not take this commit. Of an error with another code nobody knows: it may be taken, or have been. */
export function isRefusal(error: unknown): boolean {
  if (isCode(error, 'MLS_PROPOSALS_PENDING', ...JUDGED)) return true;
  return error instanceof HawserError && !error.retry && !isOfTheWay(error);
}

/** The same of a commit by which this device joins: it can make another one at any time. */
export function isJoinRefusal(error: unknown): boolean {
  return isRefusal(error) || (error instanceof HawserError && error.code === 'MLS_EPOCH_FUTURE');
}

/** What a hub says about a commit, of what homeservers tell each other. */
const JUDGED: readonly ErrorCode[] = ['FED_KEY_WAITS', 'FED_FOREIGN'];

/** About the session, the own homeserver, or the way from there to the hub. */
function isOfTheWay({ code }: HawserError): boolean {
  return code === 'HOME_UNAUTHENTICATED' || code.startsWith('SIG_') || code.startsWith('FED_');
}

export function ignoreNoPending(error: unknown): void {
  if (!isCode(error, 'MLS_NO_PENDING_COMMIT')) throw error;
}
