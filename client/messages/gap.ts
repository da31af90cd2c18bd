/** Why a message cannot be read, from the error with which reading it ended. */
import type { ErrorCode } from '#signalling/errors.ts';
import type { GapReason } from './records.ts';

/**
 * `before-joining` is said by whoever knows when this device joined.
 * @returns undefined where reading it later can succeed, so that nothing is to be shown yet
 */
export function gapReason(code: ErrorCode): GapReason | undefined {
  switch (code) {
    case 'MLS_EPOCH_PAST':
    case 'MLS_UNREADABLE':
    case 'MLS_NOT_MEMBER':
      return 'keys-gone';
    case 'CONTENT_UNSUPPORTED':
      return 'not-understood';
    case 'MLS_EPOCH_FUTURE':
    case 'MLS_PROPOSALS_PENDING':
    case 'MLS_COMMIT_PENDING':
    case 'MLS_NOT_SAVED':
      return undefined;
    default:
      return 'damaged';
  }
}
