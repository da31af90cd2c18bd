/** What is wrong with a file that an administrator wrote: all of it at once, each mistake with its place. */

export interface Mistake {
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
  /** One sentence, without the place. */
  readonly message: string;
  /** The option, `sft.media.port`; absent where it is about the file as a whole. */
  readonly path?: string;
  /** One sentence about what to do, where there is more to say than the message does. */
  readonly remedy?: string;
}

/** The file cannot be used. The message is one line per mistake, `path:line:column: sentence`. */
export class SiteError extends Error {
  override readonly name = 'SiteError';
  readonly path: string;
  readonly mistakes: readonly Mistake[];

  constructor(path: string, mistakes: readonly Mistake[], options?: { cause?: unknown }) {
    const sorted = mistakes.toSorted((a, b) => a.line - b.line || a.column - b.column);
    super(sorted.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`).join('\n'), options);
    this.path = path;
    this.mistakes = sorted;
  }
}
