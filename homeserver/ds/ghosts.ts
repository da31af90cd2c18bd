/**
 * Devices in the group of a call that no SFT tells of: they have its keys, and are neither seen nor heard. One that has just come in may be on its
 * way to its SFT; one that stays so was closed on the way, or listens where nobody sees it.
 */
import type { ParticipantId, RoomId } from '#signalling/ids.ts';

/** Longer than the way into a call takes over the poorest line. ms */
export const GHOST_MS = 60_000;

export class Ghosts {
  /** By room and participant, since when. ms, as `performance.now` */
  readonly #since = new Map<RoomId, ReadonlyMap<ParticipantId, number>>();

  /**
   * To be called for each call now and then.
   * @param inGroup the participants in its group
   * @param present those of whom an SFT tells
   * @param now ms, as `performance.now`
   * @returns who is to be taken out of the group, each once: whoever comes back has as long as the first time
   */
  look(
    room: RoomId,
    inGroup: Iterable<ParticipantId>,
    present: Pick<ReadonlySet<ParticipantId>, 'has'>,
    now = performance.now(),
  ): Set<ParticipantId> {
    const known = this.#since.get(room);
    const absent = [...inGroup].filter((participant) => !present.has(participant));
    const since = new Map(absent.map((participant) => [participant, known?.get(participant) ?? now]));
    const gone = absent.filter((participant) => now - (since.get(participant) ?? now) >= GHOST_MS);
    for (const participant of gone) since.delete(participant);
    this.#since.set(room, since);
    return new Set(gone);
  }

  /** Of calls that are over nothing is kept. */
  keepOnly(rooms: ReadonlySet<RoomId>): void {
    for (const room of this.#since.keys()) if (!rooms.has(room)) this.#since.delete(room);
  }
}
