/** What came of connections of clients that broke: whoever was cut off is back within half a minute, or stays away. Pure; times passed in, ms. */
import type { ErrorCode } from '#signalling/errors.ts';
import type { ConferenceId, ParticipantId } from '#signalling/ids.ts';
import { COME_BACK_MS, CUT_OFF } from './presence.ts';

/** One participant in one conference; somebody who comes back does so under the same name. */
export interface Stay {
  readonly conference: ConferenceId;
  readonly participant: ParticipantId;
}

/** `gone` holds people who closed the page, too: their connection ends in the same way. */
export type ReturnOutcome = 'back' | 'gone';

export class Returns {
  readonly #onOutcome: (outcome: ReturnOutcome, count: number) => void;
  /** Until when each is waited for, the soonest first. */
  readonly #awaited = new Map<string, number>();

  constructor(onOutcome: (outcome: ReturnOutcome, count: number) => void) {
    this.#onOutcome = onOutcome;
  }

  joined(stay: Stay, now: number): void {
    this.sweep(now);
    if (this.#awaited.delete(keyOf(stay))) this.#onOutcome('back', 1);
  }

  /** @param code with which the connection ended */
  ended(stay: Stay, code: ErrorCode | 'normal', now: number): void {
    this.sweep(now);
    // The client noticed first that the connection was broken, and another one has taken its place.
    if (code === 'SFT_REPLACED') this.#onOutcome('back', 1);
    if (CUT_OFF.includes(code)) this.#awaited.set(keyOf(stay), now + COME_BACK_MS);
  }

  /** To be called before the outcomes are read. */
  sweep(now: number): void {
    const late = [...this.#awaited].filter(([, until]) => until <= now);
    for (const [key] of late) this.#awaited.delete(key);
    if (late.length > 0) this.#onOutcome('gone', late.length);
  }
}

function keyOf({ conference, participant }: Stay): string {
  return `${conference} ${participant}`;
}
