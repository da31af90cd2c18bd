/** States the wishes of a viewer to the SFT: all of them, numbered, and only when they have changed. */
import type { Roster, Wish } from '#signalling/client-sft.ts';
import type { ParticipantId, SourceId } from '#signalling/ids.ts';
import type { Codec } from '#signalling/media-profile.ts';
import { type Shown, wishesFor } from './wishes.ts';

export interface WishContext {
  readonly roster: Roster;
  readonly me: ParticipantId;
  readonly decodes: (codec: Codec) => boolean;
}

export interface WishStatementOptions {
  /** How a picture counts as shown until something was said about it. */
  readonly assumed: Shown;
  /** Undefined while nothing can be stated. */
  readonly context: () => WishContext | undefined;
  readonly state: (statement: { seq: number; wishes: Wish[] }) => void;
}

export class WishStatement {
  readonly #options: WishStatementOptions;
  readonly #shown = new Map<SourceId, Shown>();
  #seq = 0;
  #last = '[]';
  #isQueued = false;

  constructor(options: WishStatementOptions) {
    this.#options = options;
  }

  show(source: SourceId, shown: Shown): void {
    if (this.#shown.get(source) === shown) return;
    this.#shown.set(source, shown);
    this.soon();
  }

  /** Several tiles that change in one layout make one statement. */
  soon(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    queueMicrotask(() => {
      this.#isQueued = false;
      this.now();
    });
  }

  /** On a new connection: nothing was stated there yet. */
  anew(): void {
    this.#last = '[]';
    this.now();
  }

  now(): void {
    const context = this.#options.context();
    if (!context) return;
    const { roster, me, decodes } = context;
    const wishes = wishesFor(roster, me, this.#shown, this.#options.assumed, decodes);
    const statement = JSON.stringify(wishes);
    if (statement === this.#last) return;
    this.#last = statement;
    this.#seq += 1;
    this.#options.state({ seq: this.#seq, wishes: [...wishes] });
  }
}
