/**
 * How much one domain may ask at the door. A domain that is new here may ask little, and more with its age, so that whoever has just
 * been allowed, or has just been taken over, is noticed before it does harm. `limitsAt` and `classOf` are pure.
 */
import { HawserError } from '#signalling/errors.ts';
import type { FederationCall } from '#signalling/federation.ts';
import type { DomainName } from '#signalling/ids.ts';
import { RateLimit } from '../http/rate.ts';
import { ByteBudget } from './byte-budget.ts';
import { TooMuch } from './errors.ts';

export interface DomainLimits {
  /** Requests a second, in bursts of twice as many. */
  readonly perSecond: number;
  readonly atOnce: number;
  /** Of bodies, in bursts of twice as many: those of lanes, and once more those of all else. */
  readonly bytesPerSecond: number;
}

const DAY_MS = 24 * 3_600_000;
const KB = 1024;
const MB = 1024 * KB;
/** What a group of some tens of people needs when all do something at once; and 100,000 messages in half a minute after a net split. */
const NEW: DomainLimits = { perSecond: 100, atOnce: 32, bytesPerSecond: 3 * MB };
/** And of some hundred. */
const GROWN: DomainLimits = { perSecond: 400, atOnce: 128, bytesPerSecond: 8 * MB };
const GROWN_AFTER_MS = 30 * DAY_MS;

/** @param age since it was allowed, ms */
export function limitsAt(age: number): DomainLimits {
  const part = Math.min(1, Math.max(0, age) / GROWN_AFTER_MS);
  const between = (from: number, to: number) => Math.round(from + (to - from) * part);
  return {
    perSecond: between(NEW.perSecond, GROWN.perSecond),
    atOnce: between(NEW.atOnce, GROWN.atOnce),
    bytesPerSecond: between(NEW.bytesPerSecond, GROWN.bytesPerSecond),
  };
}

/**
 * `bulk`: a lane with one request under way, however much it carries, and one more where an answer got lost. `waiting`: answered after
 * some seconds, and does nothing meanwhile. `file`: goes on for as long as the file is long.
 */
export type CallClass = 'bulk' | 'waiting' | 'file' | 'short';

const CLASSES: Readonly<Partial<Record<FederationCall | 'unknown', CallClass>>> = {
  feed: 'bulk',
  submit: 'bulk',
  turn: 'waiting',
  reach: 'waiting',
  proxyDownload: 'file',
};

export function classOf(call: FederationCall | 'unknown'): CallClass {
  return CLASSES[call] ?? 'short';
}

/** Beside the short ones, which have `atOnce`. */
const AT_ONCE: Readonly<Record<Exclude<CallClass, 'short'>, number>> = { bulk: 4, waiting: 256, file: 32 };

const SMALL = 16 * KB;

/** Largest bodies, bytes: what the schema of the call takes, and some room for how it is written. */
const BODIES: Readonly<Partial<Record<FederationCall, number>>> = {
  // Presence of a thousand participants
  update: 512 * KB,
  // A statement with 10,000 members of at most 400 bytes each
  notify: 4 * MB,
  // A single entry that is as large as it may be has 1.4 MB of payload, as much of a Welcome and 2.2 MB of devices; in front of it
  // stands the largest statement of a conversation, of 4 MB.
  feed: 10 * MB,
  // The most characters that are handed in at once, with everything around them
  submit: 2 * MB,
  // As for our own people, with the envelope around it
  createGroup: 4 * MB + 4 * KB,
  commit: 4 * MB + 4 * KB,
  // A hundred devices with names of 220 characters
  goneDevices: 32 * KB,
};

export function bodyLimitOf(call: FederationCall | 'unknown'): number {
  return call === 'unknown' ? SMALL : (BODIES[call] ?? SMALL);
}

export interface DoorLimitsOptions {
  readonly now: () => number;
  /** When the domain was allowed, ms since 1970; undefined where that is not known yet, as of one that is new. */
  readonly since: (domain: DomainName) => number | undefined;
}

export class DoorLimits {
  readonly #options: DoorLimitsOptions;
  readonly #rate: RateLimit;
  readonly #running = new Map<string, number>();
  readonly #bytes = new ByteBudget();

  constructor(options: DoorLimitsOptions) {
    this.#options = options;
    this.#rate = new RateLimit(NEW.perSecond, options.now);
  }

  /**
   * Lets a request in. Returns what is to be called when it is over.
   * @throws HawserError FED_LIMIT
   */
  enter(domain: DomainName, call: FederationCall | 'unknown'): () => void {
    const kind = classOf(call);
    const { perSecond, atOnce } = this.#limitsOf(domain);
    const isBulk = kind === 'bulk';
    if (!isBulk && !this.#rate.take(domain, perSecond)) throw new HawserError('FED_LIMIT', 'requests a second');
    const key = `${kind} ${domain}`;
    const count = this.#running.get(key) ?? 0;
    if (count >= (kind === 'short' ? atOnce : AT_ONCE[kind])) throw new HawserError('FED_LIMIT', 'requests at once');
    this.#running.set(key, count + 1);
    return () => {
      const left = (this.#running.get(key) ?? 1) - 1;
      if (left > 0) this.#running.set(key, left);
      else this.#running.delete(key);
    };
  }

  /**
   * Counts bytes of a body, before they are read or while they come. A lane that delivers all it can keeps nothing else out.
   * @throws TooMuch with how long to wait
   */
  weigh(domain: DomainName, call: FederationCall | 'unknown', bytes: number): void {
    if (bytes === 0) return;
    const key = `${classOf(call) === 'bulk' ? 'bulk' : 'short'} ${domain}`;
    const { bytesPerSecond } = this.#limitsOf(domain);
    const waitMs = this.#bytes.take(key, bytes, bytesPerSecond, this.#options.now());
    if (waitMs > 0) throw new TooMuch(waitMs, 'bytes a second');
  }

  #limitsOf(domain: DomainName): DomainLimits {
    const { now, since } = this.#options;
    return limitsAt(now() - (since(domain) ?? now()));
  }
}
