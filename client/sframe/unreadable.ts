/**
 * Of whom nothing can be read for a while, though he sends: he and this device do not have the same keys. For a moment that is so whenever keys change;
 * when it lasts, a homeserver keeps a commit back, or has made two groups of one.
 */
import type { ParticipantId } from '#signalling/ids.ts';
import type { Refusal } from './incoming-frames.ts';

/** Longer than keys need to come to all, ms. */
export const LASTING_MS = 6_000;
/** What was refused is told once a second; without a word for longer than this, it is over. ms */
const OVER_MS = 3_000;

const OF_KEYS: readonly Refusal[] = ['unknownKey', 'forged'];

export class Unreadable {
  readonly #refused = new Map<ParticipantId, { since: number; last: number }>();

  /** @param now ms of a clock that only goes forward */
  note(participant: ParticipantId, counts: Readonly<Partial<Record<Refusal, number>>>, now: number): void {
    if (!OF_KEYS.some((kind) => (counts[kind] ?? 0) > 0)) return;
    const known = this.#refused.get(participant);
    const since = known && now - known.last <= OVER_MS ? known.since : now;
    this.#refused.set(participant, { since, last: now });
  }

  at(now: number): ReadonlySet<ParticipantId> {
    const lasting = [...this.#refused].filter(
      ([, { since, last }]) => now - last <= OVER_MS && last - since >= LASTING_MS,
    );
    return new Set(lasting.map(([participant]) => participant));
  }
}
