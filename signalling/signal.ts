/**
 * What people in a call say to each other besides media, a reaction for instance: a few bytes that devices seal and SFTs pass
 * on without reading or keeping them. The limits that every SFT holds it to stand here, since each has to know the other's.
 */
import { Base64Url } from './base64.ts';

/** Bytes at most. */
export const MAX_SIGNAL_BYTES = 256;

export const SignalPayload = Base64Url(MAX_SIGNAL_BYTES);

/** So many a second over a longer time, and so many at once after a pause. */
export interface SignalLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Of one participant, wherever he is. */
export const PARTICIPANT_SIGNALS: SignalLimit = { perSecond: 5, burst: 10 };
/** Of everybody in one conference: when hundreds applaud at once, a part of it is seen. */
export const CONFERENCE_SIGNALS: SignalLimit = { perSecond: 50, burst: 100 };
/** On one link in each direction, for all of its conferences. */
export const LINK_SIGNALS: SignalLimit = { perSecond: 100, burst: 100 };
