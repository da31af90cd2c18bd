/**
 * Ticks: in the group of a call, those who come and go within one are proposed together, so that fifty who come at once make some five epochs
 * and not fifty. Who comes while nobody else does comes in by himself, at once.
 */
import { tickOf } from '#signalling/groups.ts';
import type { DeviceId, ParticipantId, RoomId } from '#signalling/ids.ts';

interface Arrival {
  readonly keyPackage: Uint8Array;
  /** ms, as `performance.now` */
  readonly at: number;
}

interface Tick {
  /** Before it nothing new is proposed, and nobody is let in by himself. ms, as `performance.now` */
  next: number;
  /** Devices in the group, as far as is known. */
  size: number;
  /** Until they are in. */
  readonly come: Map<DeviceId, Arrival>;
  readonly gone: Set<ParticipantId>;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** Whoever comes in by himself makes work for all who are in it; among more, a member lets him in. */
const MOST_ALONE = 30;
/** In one commit, each way. */
const MOST_AT_ONCE = 50;
/** A device that is not in by then has asked again, or has gone. ms */
const ARRIVAL_MS = 30_000;
const MOST_WAITING = 1_000;

export class Ticks {
  readonly #ticks = new Map<RoomId, Tick>();
  readonly #onTick: (room: RoomId) => void;

  /** @param onTick called when what `take` gives is to be proposed */
  constructor(onTick: (room: RoomId) => void) {
    this.#onTick = onTick;
  }

  /**
   * A device wants to come in.
   * @param isQuiet whether nothing is proposed in the group
   * @returns whether it may by itself; else it is among the next who are proposed
   */
  come(
    room: RoomId,
    device: DeviceId,
    keyPackage: Uint8Array,
    { size, isQuiet }: { readonly size: number; readonly isQuiet: boolean },
  ): boolean {
    const tick = this.#of(room);
    const now = performance.now();
    tick.size = size;
    const isBusy = tick.come.size + tick.gone.size > 0 || now < tick.next;
    if (isQuiet && !isBusy && size <= MOST_ALONE) {
      tick.next = now + tickOf(size);
      return true;
    }
    if (tick.come.size < MOST_WAITING) tick.come.set(device, { keyPackage, at: now });
    this.#schedule(room, tick);
    return false;
  }

  /** These went out of the call, or vanished. */
  go(room: RoomId, participants: ReadonlySet<ParticipantId>): void {
    if (participants.size === 0) return;
    const tick = this.#of(room);
    for (const participant of participants) tick.gone.add(participant);
    this.#schedule(room, tick);
  }

  /** What is to be proposed in this tick: those who come until they are in, those who went once. */
  take(room: RoomId): { readonly come: readonly Uint8Array[]; readonly gone: ReadonlySet<ParticipantId> } {
    const tick = this.#of(room);
    const now = performance.now();
    tick.next = now + tickOf(tick.size);
    for (const [device, { at }] of tick.come) if (now - at > ARRIVAL_MS) tick.come.delete(device);
    const come = [...tick.come.values()].slice(0, MOST_AT_ONCE).map(({ keyPackage }) => keyPackage);
    const gone = new Set([...tick.gone].slice(0, MOST_AT_ONCE));
    for (const participant of gone) tick.gone.delete(participant);
    if (tick.gone.size > 0) this.#schedule(room, tick);
    return { come, gone };
  }

  /** A commit was taken. What was proposed and is not in it ended with the epoch: who is not in yet is proposed anew. */
  done(room: RoomId, joined: readonly DeviceId[], size: number): void {
    const tick = this.#ticks.get(room);
    if (!tick) return;
    tick.size = size;
    for (const device of joined) tick.come.delete(device);
    if (tick.come.size + tick.gone.size > 0) this.#schedule(room, tick);
  }

  /** The call is over. */
  end(room: RoomId): void {
    clearTimeout(this.#ticks.get(room)?.timer);
    this.#ticks.delete(room);
  }

  close(): void {
    for (const room of [...this.#ticks.keys()]) this.end(room);
  }

  #of(room: RoomId): Tick {
    const known = this.#ticks.get(room);
    if (known) return known;
    const fresh = { next: 0, size: 0, come: new Map(), gone: new Set<ParticipantId>(), timer: undefined };
    this.#ticks.set(room, fresh);
    return fresh;
  }

  #schedule(room: RoomId, tick: Tick): void {
    tick.timer ??= setTimeout(
      () => {
        tick.timer = undefined;
        this.#onTick(room);
      },
      Math.max(0, tick.next - performance.now()),
    );
  }
}
