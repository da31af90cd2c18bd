/**
 * The log of what was refused at the door, of what an administrator did, and of whoever said two things. Whoever notes something does
 * not wait for the disk; at most some seconds of it are lost where the process is killed.
 */
import type { Db, Store } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';
import { append, lastLines, linesBehind } from './audit-table.ts';
import type { AuditEvent, AuditLine, Counted } from './chain.ts';
import { readHead, writeHead } from './head-file.ts';
import { Tally } from './tally.ts';

export interface AuditOptions {
  readonly store: Pick<Store, 'db'>;
  readonly writer: Pick<Writer, 'run'>;
  readonly world: World;
  /** Where the head file is. */
  readonly folder: string;
  readonly onFault: (error: unknown) => void;
}

/** What others need of it. */
export type Auditor = Pick<Audit, 'note'>;

/** Lines that wait for the disk. What is beyond is counted and told by one line. */
const MAX_WAITING = 2_000;
const MAX_BATCH = 100;

export class Audit {
  readonly #options: AuditOptions;
  readonly #tally = new Tally();
  readonly #waiting: Counted[] = [];
  #lost = 0;
  #writing: Promise<void> | undefined;

  private constructor(options: AuditOptions) {
    this.#options = options;
  }

  /** Says so in the log where its end is missing. */
  static async open(options: AuditOptions): Promise<Audit> {
    const audit = new Audit(options);
    const { store, folder } = options;
    const head = await readHead(folder);
    if (head && head.seq > 0) {
      const [there] = await linesBehind(store.db, head.seq - 1);
      if (there?.seq !== head.seq || there.hash !== head.hash) {
        audit.note({ kind: 'cut', detail: `the head file names line ${head.seq} ${head.hash.slice(0, 16)}` });
      }
    }
    return audit;
  }

  /** Never waits and never throws. Repeated refusals of a domain with one code are counted into one line a minute. */
  note(event: AuditEvent): void {
    const line = this.#tally.note(event, this.#options.world.now());
    if (line) this.#put(line);
  }

  /** To be called each second: writes what was counted, and what a database that was away did not take. */
  sweep(): void {
    for (const line of this.#tally.due(this.#options.world.now())) this.#put(line);
    this.#begin();
  }

  /** Everything that was noted before is on disk when it resolves, unless the database is away. */
  async idle(): Promise<void> {
    this.#begin();
    await this.#writing;
  }

  /** At most `LINES_AT_ONCE`, those behind a number, in order. */
  async behind(after: number): Promise<AuditLine[]> {
    await this.idle();
    return linesBehind(this.#options.store.db, after);
  }

  async last(count: number): Promise<AuditLine[]> {
    await this.idle();
    return lastLines(this.#options.store.db, count);
  }

  async close(): Promise<void> {
    for (const line of this.#tally.due(this.#options.world.now(), true)) this.#put(line);
    await this.idle();
  }

  #put(line: Counted): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#lost += line.count;
      return;
    }
    this.#waiting.push(line);
    this.#begin();
  }

  #begin(): void {
    if (this.#writing || (this.#waiting.length === 0 && this.#lost === 0)) return;
    this.#writing = this.#drain()
      .catch(this.#options.onFault)
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async #drain(): Promise<void> {
    const { writer, world, folder } = this.#options;
    while (this.#waiting.length > 0 || this.#lost > 0) {
      const batch = this.#waiting.slice(0, MAX_BATCH);
      const lost = this.#lost;
      const all = lost > 0 ? [...batch, { kind: 'lost' as const, at: world.now(), count: lost }] : batch;
      const head = await writer.run((tx: Db) => append(tx, all));
      this.#waiting.splice(0, batch.length);
      this.#lost -= lost;
      await writeHead(folder, head);
    }
  }
}
