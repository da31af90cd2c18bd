/** A screen of a terminal that shows frames in place, follows its size and reads keys, and leaves everything as it was. */
import process from 'node:process';
import type { Line, Size } from './frame.ts';

/** ECMA-48, and the private modes of xterm: the alternate screen (1049), the cursor (25). */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const REST_OF_LINE = '\u001b[K';
const REST_OF_SCREEN = '\u001b[J';
const PLAIN = '\u001b[0m';
const STYLES = { bar: '\u001b[7m', heading: '\u001b[1m', bad: '\u001b[31m' } as const;

export type Key = 'up' | 'down' | 'page up' | 'page down' | 'end';

const KEYS: Readonly<Record<string, Key>> = {
  '\u001b[A': 'up',
  '\u001b[B': 'down',
  // Where the terminal is in application mode.
  '\u001bOA': 'up',
  '\u001bOB': 'down',
  '\u001b[5~': 'page up',
  '\u001b[6~': 'page down',
  q: 'end',
  // Ctrl-C, which is no signal while the terminal is read key by key.
  '\u0003': 'end',
};

const ESCAPE = '\u001b';
const SEQUENCE = new RegExp(`^${ESCAPE}(?:\\[[0-9;]*[A-Za-z~]|O[A-Z])`);

/** The keys in what was read at once; of what is none of them, nothing. Pure. */
export function keysIn(text: string): Key[] {
  const keys: Key[] = [];
  for (let rest = text; rest !== ''; ) {
    const part = SEQUENCE.exec(rest)?.[0] ?? rest.slice(0, 1);
    const key = KEYS[part];
    if (key) keys.push(key);
    rest = rest.slice(part.length);
  }
  return keys;
}

/** One frame as it is written: at once, over the one before, so that nothing flickers. Pure. */
export function written(lines: readonly Line[], colours: boolean): string {
  // Emptied before it is written: behind a line that is full the cursor stands on its last cell, which would go too.
  const rows = lines.map((line, n) => {
    const empty = n === lines.length - 1 ? REST_OF_SCREEN : REST_OF_LINE;
    return `${empty}${painted(line, colours)}`;
  });
  return `${HOME}${rows.length === 0 ? REST_OF_SCREEN : rows.join('\r\n')}`;
}

/** https://no-color.org; terminals that call themselves dumb have none. */
export function hasColours({ NO_COLOR = '', TERM }: Readonly<Record<string, string | undefined>>): boolean {
  return NO_COLOR === '' && TERM !== 'dumb';
}

function painted({ text, style }: Line, colours: boolean): string {
  return colours && style ? `${STYLES[style]}${text}${PLAIN}` : text;
}

export interface ScreenOptions {
  readonly onKey: (key: Key) => void;
  readonly onResize: () => void;
}

export class Screen {
  readonly #colours = hasColours(process.env);
  #isOpen = true;
  readonly #read: (chunk: Buffer) => void;
  readonly #resized: () => void;
  // Also where a second signal ends the process at once: nobody wants a terminal without a cursor.
  readonly #exit = () => this.close();

  constructor({ onKey, onResize }: ScreenOptions) {
    this.#read = (chunk) => {
      for (const key of keysIn(chunk.toString('utf8'))) onKey(key);
    };
    this.#resized = onResize;
    process.stdout.write(ENTER);
    process.stdout.on('resize', this.#resized);
    process.once('exit', this.#exit);
    if (!process.stdin.isTTY) return;
    process.stdin.setRawMode(true);
    process.stdin.on('data', this.#read);
  }

  get size(): Size {
    const { columns: width, rows: height } = process.stdout;
    return { width: width || 80, height: height || 24 };
  }

  draw(lines: readonly Line[]): void {
    if (this.#isOpen) process.stdout.write(written(lines, this.#colours));
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#exit);
    process.stdout.off('resize', this.#resized);
    if (process.stdin.isTTY) {
      process.stdin.off('data', this.#read);
      process.stdin.setRawMode(false);
      process.stdin.pause();
    }
    process.stdout.write(LEAVE);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
