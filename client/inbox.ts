/**
 * What the homeserver delivers to this device, one entry after the other. Each is stored, together with how far the device
 * is, before it is acknowledged: what comes again after a crash is recognised by its position.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Changes } from '#mls/journal.ts';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { type Entry, Position } from '#signalling/queue.ts';
import type { Vault } from './vault/vault.ts';

export interface InboxOptions {
  readonly vault: Vault;
  /**
   * Takes one entry. It must store `progress` together with all that it makes of the entry; where it throws, the entry comes
   * again with the next connection.
   */
  readonly take: (entry: Entry, progress: Changes) => Promise<void>;
  /** An entry could not be taken: the connection should be made again after a while. */
  readonly onTrouble: (error: unknown) => void;
}

const RECORD = 'inbox';
/** One acknowledgement for all that came in this time: what a crash loses of them only comes again. ms */
const ACKNOWLEDGE_MS = 200;
/** At once where so much came that the server may wait for it, before it sends more. Characters */
const MUCH = 128 * 1024;
/** Who waits for what waits is told after this that it does not come. ms */
const REACHED_MS = 30_000;
/** Around each payload. */
const ENTRY_LENGTH = 300;
const Stored = Closed({ queue: Type.String({ maxLength: 40 }), position: Position });
type Progress = Static<typeof Stored>;
const validator = Compile(Stored);

export class Inbox {
  readonly #options: InboxOptions;
  #progress: Progress;
  #last: Promise<unknown> = Promise.resolve();
  /** What was taken since the last acknowledgement, characters. */
  #unacknowledged = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #acknowledge: ((position: number) => void) | undefined;
  readonly #watching = new Set<() => void>();
  /** Counts connections: what is left of an older one is not taken any more. */
  #turn = 0;
  /** Something of this connection could not be taken: nothing behind it may be, or the order would be lost. */
  #isOver = false;

  private constructor(options: InboxOptions, progress: Progress) {
    this.#options = options;
    this.#progress = progress;
  }

  /** @throws HawserError VAULT_DAMAGED */
  static async open(options: InboxOptions): Promise<Inbox> {
    const bytes = await options.vault.get(RECORD);
    return new Inbox(options, bytes ? read(bytes) : { queue: '', position: 0 });
  }

  /** Everything up to here is on this device. */
  get position(): number {
    return this.#progress.position;
  }

  /**
   * A connection begins: what is left of the one before is not taken any more, and what comes is taken once `begin` is asked.
   * @param receive asks the server to deliver behind a position; the answer is under which name it knows its order of positions
   * @throws HawserError SIG_CLOSED where the connection has to be made again
   */
  async begin(receive: (after: number) => Promise<string>): Promise<void> {
    this.#turn += 1;
    // Of a connection that is over: this one begins behind the position.
    this.#acknowledge = undefined;
    await this.#last;
    this.#isOver = false;
    const gate = Promise.withResolvers<void>();
    this.#last = gate.promise;
    try {
      const queue = await receive(this.position);
      if (queue === this.#progress.queue) return;
      const isFirst = this.#progress.queue === '' && this.position === 0;
      if (!isFirst) this.#turn += 1;
      this.#progress = { queue, position: 0 };
      await this.#options.vault.write(new Map([[RECORD, write(this.#progress)]]));
      // Another order than before, as when the server was restored from a backup: positions say nothing any more, and the next
      // connection begins at 0.
      if (!isFirst) throw new HawserError('SIG_CLOSED', 'another order of positions');
    } finally {
      gate.resolve();
    }
  }

  /**
   * Takes a delivery.
   * @param acknowledge told the position up to which everything is stored, once for all that came in a while
   */
  take(entries: readonly Entry[], acknowledge: (position: number) => void): void {
    const turn = this.#turn;
    this.#last = this.#last
      .then(() => this.#takeAll(entries, turn, acknowledge))
      .catch((error: unknown) => {
        if (turn === this.#turn) this.#isOver = true;
        this.#options.onTrouble(error);
      });
  }

  /** Says at once what is on this device, where that was not said yet: before the connection ends. */
  acknowledge(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unacknowledged = 0;
    const acknowledge = this.#acknowledge;
    this.#acknowledge = undefined;
    acknowledge?.(this.position);
  }

  /**
   * Resolves when everything up to a position is on this device.
   * @throws HawserError SIG_TIMEOUT where that takes long: it is not connected, or something cannot be taken
   */
  async reached(position: number): Promise<void> {
    if (this.position >= position) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => void (this.position >= position && resolve());
    const timer = setTimeout(() => reject(new HawserError('SIG_TIMEOUT', 'what waits for this device')), REACHED_MS);
    this.#watching.add(look);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#watching.delete(look);
    }
  }

  /** Resolves when everything that was delivered is taken. */
  async idle(): Promise<void> {
    await this.#last;
  }

  async #takeAll(entries: readonly Entry[], turn: number, acknowledge: (position: number) => void): Promise<void> {
    for (const entry of entries) {
      if (turn !== this.#turn || this.#isOver) return;
      if (entry.position <= this.position) continue; // it came before, and the acknowledgement was lost
      const progress = { ...this.#progress, position: entry.position };
      await this.#options.take(entry, new Map([[RECORD, write(progress)]]));
      this.#progress = progress;
      for (const look of this.#watching) look();
    }
    if (turn !== this.#turn || this.#isOver) return;
    this.#unacknowledged += entries.reduce((sum, { payload }) => sum + ENTRY_LENGTH + payload.length, 0);
    this.#acknowledge = acknowledge;
    if (this.#unacknowledged >= MUCH) this.acknowledge();
    else this.#timer ??= setTimeout(() => this.acknowledge(), ACKNOWLEDGE_MS);
  }
}

function write(progress: Progress): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(progress));
}

function read(bytes: Uint8Array): Progress {
  try {
    const stored: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (validator.Check(stored)) return stored;
  } catch {
    // told below
  }
  throw new HawserError('VAULT_DAMAGED', 'the inbox');
}
