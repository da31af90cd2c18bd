/** Some pictures of a clip that is played round and round, one after the other, and which of them somebody saw. Pure. */

export interface Seen {
  /** Pictures of the clip in it. */
  readonly frames: number;
  /** Different ones that were seen. */
  readonly shown: number;
  /** Those that were not, counted from the first one that was. */
  readonly missing: readonly number[];
  /** Seen more than once. */
  readonly repeated: number;
  /** Seen, without anybody knowing which ones they are. */
  readonly unreadable: number;
  /** How often the picture was of another size than the one before. */
  readonly sizeChanges: number;
  /** Of the last one, pixels. */
  readonly height: number;
}

export class ClipWindow {
  readonly #frames: number;
  readonly #round: number;
  readonly #shown = new Set<number>();
  #first: number | undefined;
  /** Counted from the first one, over all rounds. */
  #last = 0;
  #repeated = 0;
  #unreadable = 0;
  #sizeChanges = 0;
  #height = 0;

  /**
   * @param frames how many pictures, from the first one that is seen
   * @param round of so many the clip is made; of more that are missing in one go it cannot be told how many they are
   */
  constructor(frames: number, round: number) {
    this.#frames = frames;
    this.#round = round;
  }

  /** @param number in the clip; undefined where it cannot be read */
  take(number: number | undefined, height: number): void {
    if (this.isOver) return;
    if (number === undefined) this.#unreadable += 1;
    else if (!this.#place(number)) return;
    if (this.#height !== 0 && height !== this.#height) this.#sizeChanges += 1;
    this.#height = height;
  }

  /** What comes from now on is behind it. */
  get isOver(): boolean {
    return this.#last >= this.#frames - 1;
  }

  get seen(): Seen {
    const missing = Array.from({ length: this.#frames }, (_, at) => at).filter((at) => !this.#shown.has(at));
    return {
      ...{ frames: this.#frames, shown: this.#shown.size, missing },
      ...{ repeated: this.#repeated, unreadable: this.#unreadable },
      ...{ sizeChanges: this.#sizeChanges, height: this.#height },
    };
  }

  /** @returns whether it is in the window */
  #place(number: number): boolean {
    const isFirst = this.#first === undefined;
    this.#first ??= number;
    const now = (this.#first + this.#last) % this.#round;
    const place = this.#last + ((number - now + this.#round) % this.#round);
    this.#last = place;
    if (place >= this.#frames) return false;
    if (!isFirst && this.#shown.has(place)) this.#repeated += 1;
    this.#shown.add(place);
    return true;
  }
}
