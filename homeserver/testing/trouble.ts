/** For tests: what can go wrong around a homeserver that is a process of its own: its clock, its disk, the requests that it sends. */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import type { PeerNetwork } from '../federation/peer-client.ts';
import { WORLD, type World } from '../world.ts';

/** What is left out is well. */
export interface Troubles {
  /** How far its clock is ahead, ms; below 0 where it is behind. */
  readonly clockMs?: number;
  /** Whether its database, on SQLite, gets no page more than it has. */
  readonly isFull?: boolean;
  /** Of the requests to other homeservers, the part that is sent twice, and that whose answer gets lost; 0 to 1. */
  readonly repeat?: number;
  readonly lose?: number;
  /** Each of these requests is held back by up to so many ms, so that they overtake each other. */
  readonly holdMs?: number;
}

/** SQLite's own limit (https://sqlite.org/limits.html, section 12). */
const MAX_PAGES = 4_294_967_294;

export class Trouble {
  /** `haste` times faster than ours, and as far ahead as it is said. */
  readonly world: World;
  readonly #databases = new Set<DatabaseSync>();
  #troubles: Troubles = {};

  constructor(haste: number, troubles: Troubles) {
    const began = Date.now();
    const now = () => Math.round(began + (Date.now() - began) * haste) + (this.#troubles.clockMs ?? 0);
    this.world = { ...WORLD, now };
    this.#noteDatabases();
    this.set(troubles);
  }

  set(troubles: Troubles): void {
    this.#troubles = troubles;
    for (const database of this.#databases) this.#limit(database);
  }

  readonly network: PeerNetwork = async (send) => {
    const { repeat = 0, lose = 0, holdMs = 0 } = this.#troubles;
    if (holdMs > 0) await wait(Math.random() * holdMs);
    const first = send();
    if (Math.random() >= repeat + lose) return first;
    // The answer to the first is lost, or comes after the one to the second, or both come and the second counts.
    if (Math.random() < lose / (repeat + lose)) {
      await first;
      throw Object.assign(new Error('the answer was lost'), { code: 'ETIMEDOUT' });
    }
    const [, second] = await Promise.all([first.catch(() => undefined), send()]);
    return second;
  };

  /** A quota is of a connection, and nobody but this process has any to the database. */
  #noteDatabases(): void {
    const { prototype } = DatabaseSync;
    const { exec, close } = prototype;
    const self = this;
    prototype.exec = function (this: DatabaseSync, sql: string) {
      exec.call(this, sql);
      if (self.#databases.has(this)) return;
      self.#databases.add(this);
      self.#limit(this);
    };
    prototype.close = function (this: DatabaseSync) {
      self.#databases.delete(this);
      close.call(this);
    };
  }

  #limit(database: DatabaseSync): void {
    if (!database.isOpen) return;
    const has = database.prepare('PRAGMA page_count').get()?.page_count;
    // A database of nothing could not even be opened.
    const most = this.#troubles.isFull === true && Number(has) > 0 ? Number(has) : MAX_PAGES;
    database.prepare(`PRAGMA max_page_count = ${most}`).get();
  }
}
