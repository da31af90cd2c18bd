/**
 * One lane a domain: what is to be done for a domain is done by one worker, which is woken when there is something, and left alone
 * for longer and longer while it fails. No domain waits for another one.
 */
import type { DomainName } from '#signalling/ids.ts';
import type { World } from '../world.ts';
import { backoffMs } from './backoff.ts';

/**
 * `stuck`: something of it is left for later, and the rest goes on. `down`: the domain as a whole takes nothing. Where it said how long it
 * takes no more, the lane goes on then, and neither before nor later.
 */
export type Outcome = 'done' | 'stuck' | 'down' | { readonly afterMs: number };

export interface LanesOptions {
  readonly world: World;
  /**
   * Does what there is to do; what it throws is a fault, and as `down`. It looks at `isClosed` between two steps.
   * @param isRetry whether also what was stuck is to be tried
   */
  readonly work: (domain: DomainName, isRetry: boolean) => Promise<Outcome>;
  /** The domain failed and is left alone for a while now. */
  readonly onRest?: (domain: DomainName) => void;
  readonly onFault: (error: unknown) => void;
}

interface Lane {
  running: Promise<void> | undefined;
  /** Something came while the lane was running. */
  again: boolean;
  failures: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  outcome: Outcome;
}

export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<DomainName, Lane>();
  #closed = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** There is something for the domain. A domain that is down is left alone for its time. */
  wake(domain: DomainName): void {
    const lane = this.#lane(domain);
    if (this.#closed || (lane.timer && lane.outcome !== 'stuck')) return;
    this.#begin(domain, lane, lane.timer === undefined);
  }

  /** The domain was heard of, or allowed again: no reason to wait any longer. */
  retryNow(domain: DomainName): void {
    const lane = this.#lanes.get(domain);
    if (!lane) return;
    // Also of a request that is under way and may still fail: it was sent before.
    lane.failures = 0;
    if (typeof lane.outcome === 'string') this.#retry(domain, lane);
  }

  /** Whether the domain failed and is left alone for a while. */
  isResting(domain: DomainName): boolean {
    return this.#lanes.get(domain)?.timer !== undefined;
  }

  /** Whether something is being done for the domain at this moment. */
  isRunning(domain: DomainName): boolean {
    return this.#lanes.get(domain)?.running !== undefined;
  }

  /** Resolves when nothing goes on. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const lane of this.#lanes.values()) clearTimeout(lane.timer);
    await Promise.all([...this.#lanes.values()].map(({ running }) => running));
  }

  #retry(domain: DomainName, lane: Lane): void {
    if (!lane.timer) return;
    clearTimeout(lane.timer);
    lane.timer = undefined;
    this.#begin(domain, lane, true);
  }

  #begin(domain: DomainName, lane: Lane, isRetry: boolean): void {
    if (lane.running) lane.again = true;
    else lane.running = this.#run(domain, lane, isRetry).finally(() => this.#ended(domain, lane));
  }

  #lane(domain: DomainName): Lane {
    let lane = this.#lanes.get(domain);
    if (!lane) {
      lane = { running: undefined, again: false, failures: 0, timer: undefined, outcome: 'done' };
      this.#lanes.set(domain, lane);
    }
    return lane;
  }

  #ended(domain: DomainName, lane: Lane): void {
    lane.running = undefined;
    if (lane.again) {
      lane.again = false;
      this.wake(domain);
    }
  }

  async #run(domain: DomainName, lane: Lane, isRetry: boolean): Promise<void> {
    const { work, onFault } = this.#options;
    lane.outcome = await work(domain, isRetry).catch((error: unknown): Outcome => {
      onFault(error);
      return 'down';
    });
    if (lane.outcome === 'done') lane.failures = 0;
    if (lane.outcome === 'done' || this.#closed) return;
    if (lane.outcome !== 'stuck') lane.again = false;
    // What is stuck has its time already; the rest came in between.
    if (lane.timer) return;
    lane.timer = setTimeout(() => this.#retry(domain, lane), this.#restOf(lane, lane.outcome));
    lane.timer.unref();
    this.#options.onRest?.(domain);
  }

  /** ms */
  #restOf(lane: Lane, outcome: Exclude<Outcome, 'done'>): number {
    if (typeof outcome !== 'string') {
      // It answers: nothing failed.
      lane.failures = 0;
      return outcome.afterMs;
    }
    lane.failures += 1;
    const chance = this.#options.world.random(1)[0] ?? 0;
    return backoffMs(lane.failures, chance / 255);
  }
}
