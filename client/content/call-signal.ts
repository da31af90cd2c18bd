/** What a device says to the others about a call that rings, as a value of the extension `hawser.call`: which call, and what it does. */
import { HawserError } from '#signalling/errors.ts';
import type { ConferenceId } from '#signalling/ids.ts';
import type { Cbor } from './cbor.ts';

/**
 * `ringing`: a person is being told. `accepted`, `declined`: what he did, on whichever of his devices, and the others stop to ring. `busy`: he is in
 * another call. `moved`: he goes on with the call on the device that says so, and his others leave it.
 */
export const CALL_SIGNALS = ['ringing', 'accepted', 'declined', 'busy', 'moved'] as const;
export type CallSignal = (typeof CALL_SIGNALS)[number];

export interface CallAnswer {
  readonly conference: ConferenceId;
  readonly signal: CallSignal;
}

export function callItem({ conference, signal }: CallAnswer): Cbor {
  return [conference, CALL_SIGNALS.indexOf(signal)];
}

/** Undefined for a signal of a later version, which may be passed over. @throws {HawserError} CONTENT_MALFORMED */
export function callOf(item: Cbor): CallAnswer | undefined {
  const [conference, number] = Array.isArray(item) && item.length === 2 ? (item as readonly unknown[]) : [];
  if (typeof conference !== 'string' || !/^[A-Za-z0-9_-]{22}$/.test(conference) || !Number.isSafeInteger(number))
    throw new HawserError('CONTENT_MALFORMED', 'a call');
  const signal = CALL_SIGNALS[number as number];
  return signal && { conference: conference as ConferenceId, signal };
}
