/**
 * Who is told what somebody says to everybody in a conference, and how much of it. What it says only devices can read; it is no
 * state of the conference and is kept nowhere. Pure.
 */
import { HawserError } from '#signalling/errors.ts';
import type { ParticipantId } from '#signalling/ids.ts';
import { CONFERENCE_SIGNALS, PARTICIPANT_SIGNALS, type SignalLimit } from '#signalling/signal.ts';
import { mayMeet } from './access.ts';
import { type Conference, isKnownElsewhere, type Side } from './conference.ts';

/** Where a signal was dropped: said by nobody who is there, or above the limit of whom. */
export type SignalDrop = 'unknown' | 'participant' | 'conference' | 'link-in' | 'link-out';

export interface Audience {
  /** The people of this SFT; never the one who said it. */
  readonly local: boolean;
  readonly sides: readonly Side[];
}

/**
 * Who may hear what a participant says. A side speaks for its own participants alone, as in `stateSources`.
 * @param from the side that it came from; undefined for people of this SFT
 * @returns undefined where he is not in the conference there, or not any more
 * @throws HawserError SFT_LINK_FOREIGN_PARTICIPANT where he is on another side than that
 */
export function audienceOf(
  conference: Conference,
  participant: ParticipantId,
  from: Side | undefined,
): Audience | undefined {
  if (from && isKnownElsewhere(conference, from, participant))
    throw new HawserError('SFT_LINK_FOREIGN_PARTICIPANT', 'signal');
  const isThere = from ? from.participants.has(participant) : conference.local.has(participant);
  if (!isThere) return undefined;
  const origin = from?.participants.get(participant)?.origin ?? conference.domain;
  return {
    local: mayMeet(conference, origin, conference.domain),
    sides: [...conference.sides.values()].filter((side) => side !== from && mayMeet(conference, origin, side.peer)),
  };
}

/** Lets so many through as a limit allows. */
export class Pace {
  readonly #limit: SignalLimit;
  #left: number;
  #at: number;

  /** @param now monotonic, ms */
  constructor(limit: SignalLimit, now: number) {
    this.#limit = limit;
    this.#left = limit.burst;
    this.#at = now;
  }

  take(now: number): boolean {
    this.#refill(now);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  /** It has forgotten all that went through: a new one would do as well. */
  isRested(now: number): boolean {
    this.#refill(now);
    return this.#left === this.#limit.burst;
  }

  #refill(now: number): void {
    const { perSecond, burst } = this.#limit;
    this.#left = Math.min(burst, this.#left + ((now - this.#at) / 1_000) * perSecond);
    this.#at = now;
  }
}

/** So many paces are kept before those that rest are forgotten. */
const KEPT_PACES = 256;

/** Holds one conference and each of its participants to their limits. */
export class SignalPaces {
  readonly #all: Pace;
  readonly #participants = new Map<ParticipantId, Pace>();

  /** @param now monotonic, ms */
  constructor(now: number) {
    this.#all = new Pace(CONFERENCE_SIGNALS, now);
  }

  /** @returns whose limit is reached; undefined where the signal may go on */
  take(participant: ParticipantId, now: number): 'participant' | 'conference' | undefined {
    const pace = this.#participants.get(participant) ?? new Pace(PARTICIPANT_SIGNALS, now);
    if (this.#participants.size >= KEPT_PACES)
      for (const [id, each] of this.#participants) if (each.isRested(now)) this.#participants.delete(id);
    this.#participants.set(participant, pace);
    if (!pace.take(now)) return 'participant';
    return this.#all.take(now) ? undefined : 'conference';
  }
}
