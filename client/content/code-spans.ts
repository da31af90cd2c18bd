/**
 * Which runs of backticks belong together. Found for all at once, from the end to the beginning: to look for the closing run of
 * each one by itself takes the square of the length of a text that is made of runs of different lengths.
 */

export class CodeSpans {
  /** By the place of a run: its length, and the place of the next run of the same length. */
  readonly #runs = new Map<number, { readonly length: number; readonly end: number | undefined }>();

  constructor(text: string) {
    const found = [...text.matchAll(/`+/g)].map((match) => ({ at: match.index, length: match[0].length }));
    const next = new Map<number, number>();
    for (const { at, length } of found.reverse()) {
      this.#runs.set(at, { length, end: next.get(length) });
      next.set(length, at);
    }
  }

  /** The run that begins here; `end` where a run closes it. One of which a backslash took the first mark is text. */
  at(place: number): { readonly length: number; readonly end: number | undefined } {
    return this.#runs.get(place) ?? { length: 1, end: undefined };
  }
}
