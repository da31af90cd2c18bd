/**
 * What is under way to one connected device. Bounded, because a device that takes nothing must not fill this server's
 * memory: beyond the bound it is served from the database again when it has acknowledged. Pure.
 */
import type { Audience } from './queue-table.ts';

/** Entries and bytes that may be sent and not acknowledged. */
export const WINDOW = { entries: 1_000, bytes: 2 * 1024 * 1024 } as const;

interface UnderWay {
  readonly position: number;
  readonly audience: Audience;
  readonly bytes: number;
}

export class Flow {
  /** Position of the newest entry that was sent, or need not be. */
  #sent: number;
  #acknowledged: number;
  readonly #underWay: UnderWay[] = [];
  #bytes = 0;
  /** Begin of what is under way in the list; it is shifted in larger steps. */
  #first = 0;

  /** @param after everything up to here is on the device */
  constructor(after: number) {
    this.#sent = after;
    this.#acknowledged = after;
  }

  get sent(): number {
    return this.#sent;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get isFull(): boolean {
    return this.#underWay.length - this.#first >= WINDOW.entries || this.#bytes >= WINDOW.bytes;
  }

  get isEmpty(): boolean {
    return this.#underWay.length === this.#first;
  }

  /** Notes that an entry goes out. */
  send(position: number, audience: Audience, bytes: number): void {
    this.#sent = position;
    this.#underWay.push({ position, audience, bytes });
    this.#bytes += bytes;
  }

  /** The audiences of what has arrived; undefined where the device acknowledges what was never sent to it. */
  acknowledge(position: number): ReadonlySet<Audience> | undefined {
    if (position > this.#sent) return undefined;
    const arrived = new Set<Audience>();
    this.#acknowledged = Math.max(this.#acknowledged, position);
    for (;;) {
      const oldest = this.#underWay[this.#first];
      if (oldest === undefined || oldest.position > position) break;
      arrived.add(oldest.audience);
      this.#bytes -= oldest.bytes;
      this.#first += 1;
    }
    if (this.#first > 64) {
      this.#underWay.splice(0, this.#first);
      this.#first = 0;
    }
    return arrived;
  }
}
