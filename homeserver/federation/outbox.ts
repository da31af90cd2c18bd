/**
 * Tells other domains what they have to know. What is to be told lies on disk until the other side has it; the oldest
 * first, several at once, and one that its receiver chokes on does not hold the others.
 */
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { ConferenceId, ConversationId, DeviceId, DomainName } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import type { ConsentPair, OutboxKind } from '../store/tables.ts';
import type { World } from '../world.ts';
import { Lanes, type Outcome } from './lanes.ts';
import { domainsWaiting, type StoredEntry, settle, waiting } from './outbox-table.ts';

/** Says what is to be said about a subject now. Resolves also where there is nothing left to say. */
export interface Deliver {
  conversation(domain: DomainName, subject: ConversationId): Promise<void>;
  /** Of people whose account is gone. */
  departure(domain: DomainName, subject: ConversationId): Promise<void>;
  presence(domain: DomainName, subject: ConferenceId): Promise<void>;
  /** Whether somebody of this domain wants to be connected with somebody of the other one. */
  consent(domain: DomainName, subject: ConsentPair): Promise<void>;
  /** Of one of our devices that is gone. */
  device(domain: DomainName, subject: DeviceId): Promise<void>;
}

export interface OutboxOptions {
  readonly db: Db;
  readonly world: World;
  readonly deliver: Deliver;
  /** An entry was given up because the other domain refused it for good. */
  readonly onGivenUp: (domain: DomainName, kind: OutboxKind, code: ErrorCode) => void;
  readonly onFault: (error: unknown) => void;
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

/** An administrator wants it so for now: what he gives back later finds the newest state still to be told. */
const FOR_NOW: ReadonlySet<ErrorCode> = new Set(['FED_SCOPE']);

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #lanes: Lanes;
  /** Positions of what each domain choked on, left alone until it is tried again. */
  readonly #stuck = new Map<DomainName, readonly number[]>();

  constructor(options: OutboxOptions) {
    const { world, onFault } = options;
    this.#options = options;
    this.#lanes = new Lanes({ world, onFault, work: (domain, isRetry) => this.#work(domain, isRetry) });
  }

  /** Goes on with what an earlier process left. */
  async start(): Promise<void> {
    for (const domain of await domainsWaiting(this.#options.db)) this.wake(domain);
  }

  /** Something was put in for the domain. A domain that is down is left alone for its time, and so is what it choked on. */
  wake(domain: DomainName): void {
    this.#lanes.wake(domain);
  }

  /** The domain was heard of, or allowed again: no reason to wait any longer. */
  retryNow(domain: DomainName): void {
    this.#lanes.retryNow(domain);
  }

  close(): Promise<void> {
    return this.#lanes.close();
  }

  async #work(domain: DomainName, isRetry: boolean): Promise<Outcome> {
    const stuck = isRetry ? [] : [...(this.#stuck.get(domain) ?? [])];
    let isDown = false;
    while (!this.#lanes.isClosed && !isDown) {
      const entries = await waiting(this.#options.db, domain, stuck, AT_ONCE);
      if (entries.length === 0) break;
      for (const [entry, code] of await Promise.all(entries.map((each) => this.#send(each)))) {
        if (code) stuck.push(entry.position);
        if (code && DOMAIN_CODES.has(code)) isDown = true;
      }
    }
    if (stuck.length > 0) this.#stuck.set(domain, stuck);
    else this.#stuck.delete(domain);
    if (isDown) return 'down';
    return stuck.length === 0 ? 'done' : 'stuck';
  }

  /** The code where the entry stays in the outbox. */
  async #send(entry: StoredEntry): Promise<[StoredEntry, ErrorCode | undefined]> {
    const { db, deliver, onGivenUp, onFault } = this.#options;
    try {
      await tell(deliver, entry);
    } catch (error) {
      const code = error instanceof HawserError ? error.code : 'SIG_INTERNAL';
      if (!(error instanceof HawserError)) onFault(error);
      const waits = DOMAIN_CODES.has(code) || FOR_NOW.has(code);
      const isForGood = error instanceof HawserError && !error.retry && !waits;
      if (!isForGood) return [entry, code];
      onGivenUp(entry.domain, entry.kind, code);
    }
    await settle(db, entry);
    return [entry, undefined];
  }
}

/** What the subject of an entry is, its kind says. */
function tell(deliver: Deliver, { domain, kind, subject }: StoredEntry): Promise<void> {
  switch (kind) {
    case 'conversation':
      return deliver.conversation(domain, subject as ConversationId);
    case 'departure':
      return deliver.departure(domain, subject as ConversationId);
    case 'presence':
      return deliver.presence(domain, subject as ConferenceId);
    case 'consent':
      return deliver.consent(domain, subject as ConsentPair);
    case 'device':
      return deliver.device(domain, subject as DeviceId);
  }
}
