/**
 * A soft end: no new conferences begin, those that are here go on, and it is over when the last one has ended or the time is up.
 * Whoever began it closes the SFT then.
 */

export interface DrainOptions {
  /** Nobody is here, and nobody is given time to come back. */
  readonly isEmpty: () => boolean;
  readonly onBegun: (until: number) => void;
  /** ms since 1970 */
  readonly now: () => number;
}

export type DrainEnd = 'everybody has left' | 'the time is over';

export class Drain {
  readonly #options: DrainOptions;
  readonly #over = Promise.withResolvers<DrainEnd>();
  #until: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  /** When it is over at the latest, ms since 1970; undefined while the SFT serves as ever. */
  get until(): number | undefined {
    return this.#until;
  }

  /** Resolves when the SFT may be closed; never, where nobody begins it. */
  get over(): Promise<DrainEnd> {
    return this.#over.promise;
  }

  /** Begun a second time, the newer time counts. @param forMs 0: it is over at once */
  begin(forMs: number): void {
    const { now, onBegun } = this.#options;
    clearTimeout(this.#timer);
    this.#until = now() + forMs;
    onBegun(this.#until);
    if (forMs === 0) return this.#over.resolve('the time is over');
    this.#timer = setTimeout(() => this.#over.resolve('the time is over'), forMs);
    this.look();
  }

  /** To be called when something has ended here. */
  look(): void {
    if (this.#until !== undefined && this.#options.isEmpty()) this.#over.resolve('everybody has left');
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
