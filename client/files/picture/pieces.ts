/** What stays of a file: parts of it, and what takes the place of others. Nothing is copied. */
import type { Bytes } from '../../assets/base64url.ts';

/** More than any picture has; a file made to have millions would take up memory for nothing. */
const MOST = 10_000;

export class Pieces {
  readonly #bytes: Bytes;
  readonly #list: Bytes[] = [];
  /** A part that may grow. */
  #from = 0;
  #to = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  /** The part of the file from one byte to before another one. */
  keep(from: number, to: number): void {
    if (from !== this.#to) {
      this.#end();
      this.#from = from;
    }
    this.#to = to;
  }

  /** What was not in the file. */
  put(bytes: Bytes): void {
    this.#end();
    this.#list.push(bytes);
  }

  /** All of them; undefined where there are too many. */
  get list(): readonly Bytes[] | undefined {
    this.#end();
    return this.#list.length > MOST ? undefined : this.#list;
  }

  #end(): void {
    if (this.#to > this.#from && this.#list.length <= MOST) {
      this.#list.push(this.#bytes.subarray(this.#from, this.#to));
    }
    this.#from = this.#to;
  }
}
