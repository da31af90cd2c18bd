/** Requests of devices that wait a moment for what becomes of their message, so that most are answered with its place. */
import { HawserError } from '#signalling/errors.ts';
import type { TakenMessage } from '#signalling/groups.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { Named } from './submission-table.ts';

/** Whoever writes sees within this time that it is sent, or that it waits. ms */
const PATIENCE_MS = 4_000;
/** How long a request outlives the transaction that brings its answer, ms: where that fails, its device asks again. */
const COMMIT_MS = 10_000;

/** The place of a message; undefined where its device is to be told that it waits. */
type Outcome = TakenMessage | undefined;

class Waiter {
  readonly hub: DomainName;
  readonly outcome: Promise<Outcome>;
  /** Its answer is being written: it is told nothing else any more. */
  isClaimed = false;
  readonly #settle: (outcome: Outcome | Promise<never>) => void;
  #timer: ReturnType<typeof setTimeout>;

  constructor(hub: DomainName, patienceMs: number, onEnd: (waiter: Waiter) => void) {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.hub = hub;
    this.outcome = promise;
    // It is gone in the very moment in which it is told to wait no longer: what comes then is told by the queue.
    this.#settle = (outcome) => {
      clearTimeout(this.#timer);
      onEnd(this);
      resolve(outcome);
    };
    this.#timer = setTimeout(() => this.end(undefined), patienceMs);
  }

  claim(): void {
    this.isClaimed = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.fail(new HawserError('HOME_STORE_UNAVAILABLE')), COMMIT_MS);
  }

  end(outcome: Outcome): void {
    this.#settle(outcome);
  }

  fail(error: unknown): void {
    const failed = Promise.reject(error);
    failed.catch(() => undefined);
    this.#settle(failed);
    this.outcome.catch(() => undefined);
  }
}

export interface Patience extends Disposable {
  readonly outcome: Promise<Outcome>;
}

export class Waiters {
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #patienceMs: number;

  constructor(patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs;
  }

  /** Before the message is stored, so that nothing that becomes of it is missed. Disposed of when the request is answered. */
  open(message: Named, hub: DomainName): Patience {
    const key = keyOf(message);
    const waiter = new Waiter(hub, this.#patienceMs, (ended) => {
      const same = this.#waiters.get(key);
      same?.delete(ended);
      if (same?.size === 0) this.#waiters.delete(key);
    });
    this.#waiters.set(key, (this.#waiters.get(key) ?? new Set()).add(waiter));
    return { outcome: waiter.outcome, [Symbol.dispose]: () => waiter.end(undefined) };
  }

  /**
   * In the transaction that gives a message its place: whoever waits for it is told nothing else any more.
   * @returns how to tell the place once it is on disk; undefined where nobody waits
   */
  claim(message: Named): ((taken: TakenMessage) => void) | undefined {
    const waiting = [...(this.#waiters.get(keyOf(message)) ?? [])];
    if (waiting.length === 0) return undefined;
    for (const waiter of waiting) waiter.claim();
    return (taken) => {
      for (const waiter of waiting) waiter.end(taken);
    };
  }

  refuse(message: Named, error: HawserError): void {
    for (const waiter of [...(this.#waiters.get(keyOf(message)) ?? [])]) waiter.fail(error);
  }

  /** The message waits for longer than anybody should. */
  release(message: Named): void {
    for (const waiter of [...(this.#waiters.get(keyOf(message)) ?? [])]) if (!waiter.isClaimed) waiter.end(undefined);
  }

  /** All messages to a hub do. */
  releaseAll(hub?: DomainName): void {
    for (const waiter of [...this.#waiters.values()].flatMap((same) => [...same])) {
      if (!waiter.isClaimed && (hub === undefined || waiter.hub === hub)) waiter.end(undefined);
    }
  }
}

function keyOf({ device, conversation, number }: Named): string {
  return `${device} ${conversation} ${number}`;
}
