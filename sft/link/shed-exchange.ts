/** What each side of a link tells the other that it leaves out of one conference, so that both administrators see it. */
import type { LinkShed } from '#signalling/sft-link.ts';
import type { Room } from '../conference/conference.ts';

export interface LeftOut {
  readonly layers: readonly LinkShed[];
  /** Participants and sources that were stated and not taken. */
  readonly surplus: Room;
}

export const NOTHING_OUT: LeftOut = { layers: [], surplus: { participants: 0, sources: 0 } };

type Note = { seq: number; layers: LinkShed[]; surplus: { participants: number; sources: number } };

export class ShedExchange {
  readonly #send: (note: Note) => void;
  #seq = 0;
  #own: LeftOut = NOTHING_OUT;
  #seen = 0;
  #far: LeftOut = NOTHING_OUT;

  constructor(send: (note: Note) => void) {
    this.#send = send;
  }

  /** What was stated last. */
  get own(): LeftOut {
    return this.#own;
  }

  /** What the other side says of itself. */
  get far(): LeftOut {
    return this.#far;
  }

  /** Says what is left out here, if it is not what was said last. */
  state({ layers, surplus }: LeftOut): void {
    const own = { layers, surplus };
    if (JSON.stringify(own) === JSON.stringify(this.#own)) return;
    this.#own = own;
    this.#seq += 1;
    this.#send({ seq: this.#seq, layers: [...layers], surplus });
  }

  hear({ seq, layers, surplus }: Note): void {
    if (seq <= this.#seen) return;
    this.#seen = seq;
    this.#far = { layers, surplus };
  }
}
