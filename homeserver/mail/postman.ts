/**
 * Sends what waits. Nobody ever waits for him: a request writes a row and is answered; the row is sent beside it, again
 * and again with longer pauses, until the mail server takes it or it is of no use any more.
 */
import { backoffMs } from '../federation/backoff.ts';
import type { Db } from '../store/store.ts';
import type { MailRow } from '../store/tables.ts';
import type { World } from '../world.ts';
import type { Sender } from './letters.ts';
import { claimMail, dropMail, dueMails, enqueueMail, envelopeOf, type NewMail, postponeMail } from './queue.ts';
import { MailError, type Transport } from './transport.ts';

/** What did not get through: the codes of both sides, and whether it is tried again. */
export interface MailFailure {
  readonly code: string;
  readonly reply: number | undefined;
  /** Why there was no connection, as `MailError.reason`. */
  readonly reason?: string;
  readonly isGivenUp: boolean;
}

export interface PostmanOptions {
  readonly db: Db;
  readonly key: Buffer;
  readonly sender: Sender;
  readonly transport: Transport;
  readonly world: World;
  readonly onFailed: (failure: MailFailure) => void;
  readonly onFault: (error: unknown) => void;
}

const AT_ONCE = 4;
/** Longer than the transport's own time limits: only a process that died leaves a row for so long, ms. */
const CLAIM_MS = 120_000;
/** How long a homeserver that stops waits for its mail server. */
const CLOSE_MS = 3_000;
/** A day: what tells of something that happened is still worth telling then. */
const LIFE_MS = 24 * 3_600_000;

export class Postman {
  readonly sender: Sender;
  readonly #options: PostmanOptions;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(options: PostmanOptions) {
    this.#options = options;
    this.sender = options.sender;
  }

  /**
   * To be called in the transaction of what the e-mail is about, and `wake` after it.
   * @param mail lives for a day where it says nothing else
   * @returns false where too much waits already, and nothing was written
   */
  enqueue(tx: Db, mail: Omit<NewMail, 'lifeMs'> & Partial<NewMail>): Promise<boolean> {
    const { key, world } = this.#options;
    return enqueueMail(tx, key, { lifeMs: LIFE_MS, ...mail }, world);
  }

  /** Something was put in, or the time of something has come. Returns at once. */
  wake(): void {
    if (this.#closed) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = this.#run()
      .catch(this.#options.onFault)
      .finally(() => {
        this.#running = undefined;
        if (!this.#again) return;
        this.#again = false;
        this.wake();
      });
  }

  /** Resolves when what was begun is done, or given back to the queue because the mail server takes too long. */
  async close(): Promise<void> {
    this.#closed = true;
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, CLOSE_MS);
    await Promise.race([this.#running, patience.promise]);
    clearTimeout(timer);
    this.#options.transport.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { db, world } = this.#options;
    while (!this.#closed) {
      const due = await dueMails(db, world.now(), AT_ONCE);
      if (due.length === 0) return;
      await Promise.all(due.map((row) => this.#send(row)));
    }
  }

  async #send(row: MailRow): Promise<void> {
    const { db, key, world, transport, onFailed } = this.#options;
    if (!(await claimMail(db, row, world.now() + CLAIM_MS))) return;
    const envelope = envelopeOf(key, row);
    if (envelope === 'nobody') return dropMail(db, row.id);
    const isLate = world.now() >= row.expires_at;
    if (envelope === 'unreadable' || isLate) {
      onFailed({ code: isLate ? 'EXPIRED' : 'UNREADABLE', reply: undefined, isGivenUp: true });
      return dropMail(db, row.id);
    }
    try {
      await transport.send(envelope);
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      const next = world.now() + backoffMs(row.attempts + 1, (world.random(1)[0] ?? 0) / 255);
      const isGivenUp = error.isForGood || next >= row.expires_at;
      const { code, reply, reason } = error;
      onFailed({ code, reply, ...(reason !== undefined && { reason }), isGivenUp });
      return isGivenUp ? dropMail(db, row.id) : postponeMail(db, row.id, next);
    }
    return dropMail(db, row.id);
  }
}
