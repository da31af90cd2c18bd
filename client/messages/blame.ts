/**
 * What an error says about what was sent or delivered: nothing, unless it stands here. A connection that ended, a session that is renewed, a
 * server or a disk that failed are no reason to give up what a person wrote, nor to pass over what somebody wrote to him.
 */
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { Entry } from '#signalling/queue.ts';
import type { GapReason } from './records.ts';

/** What the hub answers where it will never take what this person says here, and where it will never take this message. */
const REFUSALS: Readonly<Record<'sender' | 'message', readonly ErrorCode[]>> = {
  // Not in the conversation any more; not allowed to say anything in it.
  sender: ['HOME_NOT_FOUND', 'HOME_FORBIDDEN', 'FED_NOT_ALLOWED', 'FED_OLD_VERSION', 'FED_SCOPE'],
  message: [
    ...(['HOME_NOT_FOUND', 'HOME_FORBIDDEN', 'MLS_MALFORMED', 'MLS_TOO_LARGE', 'MLS_UNSUPPORTED'] as const),
    // Of a conversation that the homeserver of another organisation orders.
    ...(['FED_NOT_ALLOWED', 'FED_OLD_VERSION', 'FED_SCOPE', 'FED_FOREIGN', 'FED_EQUIVOCATED'] as const),
  ],
};

/** The hub will never take a message. */
export class Refused extends Error {
  readonly code: ErrorCode;

  constructor({ code, message }: HawserError) {
    super(message);
    this.code = code;
  }
}

/** @param of what the hub was asked about: whether this person may join and speak, or the message itself */
export function refusedBy(error: unknown, of: 'sender' | 'message'): unknown {
  return error instanceof HawserError && REFUSALS[of].includes(error.code) ? new Refused(error) : error;
}

/** Whether a message that was refused under its number can be taken with the keys of now. */
export function isStaleCode(code: string): boolean {
  return STALE.some((each) => each === code);
}

/** Encrypted too early, too late, or for a group that another took the place of: with the keys of now it can be taken. */
export function isStale(error: unknown): error is HawserError {
  return error instanceof HawserError && STALE.includes(error.code);
}

const STALE: readonly ErrorCode[] = ['MLS_EPOCH_PAST', 'MLS_NOT_MEMBER', 'MLS_PROPOSALS_PENDING', 'MLS_WRONG_GROUP'];

/** The storage of this device failed. */
export function isOfVault(error: unknown): error is HawserError {
  return error instanceof HawserError && error.code.startsWith('VAULT_');
}

/** About the session; another one may not meet them. */
const OF_SESSION: readonly ErrorCode[] = ['HOME_UNAUTHENTICATED', 'HOME_NO_DEVICE', 'HOME_DEVICE_GONE'];

/** What was delivered is to blame, and is no better the next time. With any other error it has to come again. */
export function isOfEntry(error: unknown): error is HawserError {
  if (!(error instanceof HawserError)) return false;
  if (error.code === 'MLS_EPOCH_FUTURE') return true;
  return !error.retry && !/^(?:SIG|VAULT)_/.test(error.code) && !OF_SESSION.includes(error.code) && !isOfWay(error);
}

/** Another organisation has to be asked and does not answer, or cannot for now: nothing is to blame that was sent or delivered. */
export function isOfWay(error: unknown): error is HawserError {
  return error instanceof HawserError && error.code.startsWith('FED_') && (error.retry || OF_WAY.includes(error.code));
}

/** What an administrator has to mend, here or there. */
const OF_WAY: readonly ErrorCode[] = ['FED_REFUSED', 'FED_TLS', 'FED_VERSION', 'FED_SIGNATURE'];

/** Whether the others go on without this device. An epoch that is past was left behind by joining anew, and whoever is out stays out. */
export function leavesBehind({ kind }: Entry, { code }: HawserError): boolean {
  if (kind === 'commit') return code !== 'MLS_EPOCH_PAST' && code !== 'MLS_NOT_MEMBER';
  return code === 'MLS_EPOCH_FUTURE';
}

const GAPS: Readonly<Partial<Record<ErrorCode, GapReason>>> = {
  MLS_EPOCH_PAST: 'keys-gone',
  MLS_NOT_MEMBER: 'before-joining',
};

/** Tells why a message cannot be read, to the person. */
export function reasonOf(code: ErrorCode): GapReason {
  return GAPS[code] ?? (code.startsWith('CONTENT_') ? 'not-understood' : 'damaged');
}
