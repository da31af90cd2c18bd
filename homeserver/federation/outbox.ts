/**
 * Tells other domains what they have to know. What is to be told lies on disk until the other side has it; the oldest
 * first, several at once, and one that its receiver chokes on does not hold the others.
 */
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { ConferenceId, ConversationId, DomainName } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import type { OutboxKind } from '../store/tables.ts';
import type { World } from '../world.ts';
import { backoffMs } from './backoff.ts';
import { domainsWaiting, isConversation, type StoredEntry, settle, waiting } from './outbox-table.ts';

/** Says what is to be said about a subject now. Resolves also where there is nothing left to say. */
export interface Deliver {
  conversation(domain: DomainName, subject: ConversationId): Promise<void>;
  /** Of people whose account is gone. */
  departure(domain: DomainName, subject: ConversationId): Promise<void>;
  presence(domain: DomainName, subject: ConferenceId): Promise<void>;
}

export interface OutboxOptions {
  readonly db: Db;
  readonly world: World;
  readonly deliver: Deliver;
  /** An entry was given up because the other domain refused it for good. */
  readonly onGivenUp: (domain: DomainName, kind: OutboxKind, code: ErrorCode) => void;
  readonly onFault: (error: unknown) => void;
}

interface Lane {
  running: Promise<void> | undefined;
  /** Something came while the lane was running. */
  again: boolean;
  failures: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const AT_ONCE = 8;

/** The domain as a whole does not take anything: the rest of its entries wait too. */
const DOMAIN_CODES: ReadonlySet<ErrorCode> = new Set([
  'FED_UNREACHABLE',
  'FED_REFUSED',
  'FED_TLS',
  'FED_NOT_ALLOWED',
  'FED_VERSION',
]);

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #lanes = new Map<DomainName, Lane>();
  #closed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Goes on with what an earlier process left. */
  async start(): Promise<void> {
    for (const domain of await domainsWaiting(this.#options.db)) this.wake(domain);
  }

  /** Something was put in for the domain. A domain that failed is left alone for its time. */
  wake(domain: DomainName): void {
    const lane = this.#lane(domain);
    if (this.#closed || lane.timer) return;
    if (lane.running) lane.again = true;
    else lane.running = this.#run(domain, lane).finally(() => this.#ended(domain, lane));
  }

  /** The domain was heard of, or allowed again: no reason to wait any longer. */
  retryNow(domain: DomainName): void {
    const lane = this.#lanes.get(domain);
    if (!lane?.timer) return;
    clearTimeout(lane.timer);
    lane.timer = undefined;
    this.wake(domain);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const lane of this.#lanes.values()) clearTimeout(lane.timer);
    await Promise.all([...this.#lanes.values()].map(({ running }) => running));
  }

  #lane(domain: DomainName): Lane {
    let lane = this.#lanes.get(domain);
    if (!lane) {
      lane = { running: undefined, again: false, failures: 0, timer: undefined };
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

  async #run(domain: DomainName, lane: Lane): Promise<void> {
    const stuck: number[] = [];
    let isDown = false;
    try {
      while (!this.#closed && !isDown) {
        const entries = await waiting(this.#options.db, domain, stuck, AT_ONCE);
        if (entries.length === 0) break;
        for (const [entry, code] of await Promise.all(entries.map((each) => this.#send(each)))) {
          if (code) stuck.push(entry.position);
          if (code && DOMAIN_CODES.has(code)) isDown = true;
        }
      }
    } catch (error) {
      isDown = true;
      this.#options.onFault(error);
    }
    lane.failures = stuck.length > 0 || isDown ? lane.failures + 1 : 0;
    if (lane.failures === 0 || this.#closed) return;
    lane.again = false;
    const chance = this.#options.world.random(1)[0] ?? 0;
    lane.timer = setTimeout(() => this.retryNow(domain), backoffMs(lane.failures, chance / 255));
    lane.timer.unref();
  }

  /** The code where the entry stays in the outbox. */
  async #send(entry: StoredEntry): Promise<[StoredEntry, ErrorCode | undefined]> {
    const { db, deliver, onGivenUp, onFault } = this.#options;
    try {
      const { domain, kind, subject } = entry;
      if (!isConversation(subject)) await deliver.presence(domain, subject);
      else if (kind === 'departure') await deliver.departure(domain, subject);
      else await deliver.conversation(domain, subject);
    } catch (error) {
      const code = error instanceof HawserError ? error.code : 'SIG_INTERNAL';
      if (!(error instanceof HawserError)) onFault(error);
      const isForGood = error instanceof HawserError && !error.retry && !DOMAIN_CODES.has(error.code);
      if (!isForGood) return [entry, code];
      onGivenUp(entry.domain, entry.kind, code);
    }
    await settle(db, entry);
    return [entry, undefined];
  }
}
