/**
 * A value that is made of files and follows them. The files are looked at, not watched: a look works in every file system,
 * through symbolic links and renames, and whatever replaced the file; it costs some microseconds a file.
 */
import { readFile, stat } from 'node:fs/promises';

/** Well below the second within which a change has to be in effect. */
const LOOK_MS = 300;

/** Reads a file as text and remembers to look at it from now on, be it there or not. */
export type Read = (path: string) => Promise<string>;

export type Load<T> = (read: Read) => Promise<T>;

export interface FollowOptions {
  /** What the files are, for the sentence about trouble: `The allow list`. */
  readonly what: string;
  readonly onTrouble?: ((sentence: string) => void) | undefined;
  readonly lookMs?: number | undefined;
}

export class Following<T> {
  readonly #load: Load<T>;
  readonly #options: FollowOptions;
  readonly #listeners = new Set<() => void>();
  #current: T;
  /** What the files looked like before they were last read, so that no change falls between look and reading. */
  #seen: string;
  #files: ReadonlySet<string>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #last: Promise<void> = Promise.resolve();
  /** What was told last, so that it is told once. */
  #trouble: string | undefined;

  private constructor(load: Load<T>, options: FollowOptions, first: Reading<T>) {
    this.#load = load;
    this.#options = options;
    this.#current = first.value;
    this.#seen = first.seen;
    this.#files = first.files;
    this.#schedule();
  }

  /** @throws whatever `load` throws the first time; later that is trouble, and the last good value stays. */
  static async open<T>(load: Load<T>, options: FollowOptions): Promise<Following<T>> {
    const files = new Set<string>();
    // The first reading says which files there are; the look before it can only be taken for the second.
    await load(reader(files));
    const seen = await look(files);
    const value = await load(reader(files));
    return new Following(load, options, { value, seen, files });
  }

  get current(): T {
    return this.#current;
  }

  /** Calls back after each change; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks now, for whoever has just changed a file and does not want to wait. */
  async look(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#check();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #schedule(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#check(), this.#options.lookMs ?? LOOK_MS);
    this.#timer.unref();
  }

  /** One after the other: whoever looks while the files are being read waits for what comes of that. */
  #check(): Promise<void> {
    const check = this.#last.then(() => this.#checkOnce());
    this.#last = check.catch(() => undefined);
    return check;
  }

  async #checkOnce(): Promise<void> {
    const seen = await look(this.#files);
    if (seen !== this.#seen && !this.#closed) {
      this.#seen = seen;
      await this.#reload();
    }
    this.#schedule();
  }

  async #reload(): Promise<void> {
    const files = new Set<string>();
    try {
      this.#current = await this.#load(reader(files));
    } catch (error) {
      // What could not be used may name a file that is about to come: that one is looked at too.
      this.#files = new Set([...this.#files, ...files]);
      const why = error instanceof Error ? error.message : String(error);
      if (why !== this.#trouble) {
        this.#options.onTrouble?.(`${this.#options.what} cannot be used; the last good one stays in effect.\n${why}`);
      }
      this.#trouble = why;
      return;
    }
    this.#trouble = undefined;
    const isAsBefore = files.size === this.#files.size && files.isSubsetOf(this.#files);
    this.#files = files;
    // Another set of files looks different by itself. One more reading then costs less than a missed change.
    if (!isAsBefore) this.#seen = '';
    for (const listener of this.#listeners) listener();
  }
}

interface Reading<T> {
  readonly value: T;
  readonly seen: string;
  readonly files: ReadonlySet<string>;
}

function reader(files: Set<string>): Read {
  return (path) => {
    files.add(path);
    return readFile(path, 'utf8');
  };
}

/** Changes whenever a file is written, replaced, made or removed. */
async function look(files: ReadonlySet<string>): Promise<string> {
  const looks = [...files].sort().map(async (path) => {
    try {
      const { ino, mtimeNs, ctimeNs, size } = await stat(path, { bigint: true });
      return `${path} ${ino} ${mtimeNs} ${ctimeNs} ${size}`;
    } catch {
      return `${path} -`;
    }
  });
  return (await Promise.all(looks)).join('\n');
}
