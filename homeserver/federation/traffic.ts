/**
 * What went over the border in the last hour, by domain: counted in memory, a minute at a time. Nothing but the time that is passed in
 * goes into it.
 */
import type { ErrorCode } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';

const MINUTE_MS = 60_000;
const MINUTES = 60;
/** Domains that are not on the list and only say who they are: whoever makes up more of them pushes out his own. */
const MAX_STRANGERS = 100;

export interface LastHour {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly calls: number;
  /** The most frequent first. */
  readonly refusals: readonly { readonly code: ErrorCode; readonly count: number }[];
}

/** One for each minute of the last hour; a slot is used again when its minute is over. */
interface Slot {
  minute: number;
  messagesIn: number;
  messagesOut: number;
  calls: number;
  readonly refusals: Map<ErrorCode, number>;
}

export class Traffic {
  readonly #now: () => number;
  readonly #isListed: (domain: DomainName) => boolean;
  /** The one that was heard of last stands last. */
  readonly #slots = new Map<DomainName, (Slot | undefined)[]>();

  /** @param now ms since 1970 */
  constructor(now: () => number, isListed: (domain: DomainName) => boolean) {
    this.#now = now;
    this.#isListed = isListed;
  }

  /** Messages that came from a domain, or were delivered to it. */
  noteMessage(domain: DomainName, way: 'in' | 'out', count = 1): void {
    this.#slot(domain)[way === 'in' ? 'messagesIn' : 'messagesOut'] += count;
  }

  /** A call began in a conversation that the domain shares. */
  noteCall(domain: DomainName): void {
    this.#slot(domain).calls += 1;
  }

  /** Refused at our door. The domain may be a mere claim. */
  noteRefusal(domain: DomainName, code: ErrorCode): void {
    const { refusals } = this.#slot(domain);
    refusals.set(code, (refusals.get(code) ?? 0) + 1);
  }

  lastHour(domain: DomainName): LastHour {
    const sum = { messagesIn: 0, messagesOut: 0, calls: 0 };
    const refusals = new Map<ErrorCode, number>();
    for (const slot of this.#current(domain)) {
      sum.messagesIn += slot.messagesIn;
      sum.messagesOut += slot.messagesOut;
      sum.calls += slot.calls;
      for (const [code, count] of slot.refusals) refusals.set(code, (refusals.get(code) ?? 0) + count);
    }
    const sorted = [...refusals].map(([code, count]) => ({ code, count })).toSorted((a, b) => b.count - a.count);
    return { ...sum, refusals: sorted };
  }

  /** Of which there was anything in the last hour. */
  domains(): DomainName[] {
    return [...this.#slots.keys()].filter((domain) => this.#current(domain).length > 0);
  }

  #current(domain: DomainName): Slot[] {
    const minute = Math.floor(this.#now() / MINUTE_MS);
    // A clock that was put back makes slots of the future: they are not of the last hour.
    const isCurrent = (slot: Slot | undefined) =>
      slot !== undefined && slot.minute <= minute && slot.minute > minute - MINUTES;
    return (this.#slots.get(domain) ?? []).filter((slot): slot is Slot => isCurrent(slot));
  }

  #slot(domain: DomainName): Slot {
    const minute = Math.floor(this.#now() / MINUTE_MS);
    const slots = this.#slots.get(domain) ?? [];
    this.#slots.delete(domain);
    this.#slots.set(domain, slots);
    this.#forgetStrangers();
    const known = slots[minute % MINUTES];
    if (known?.minute === minute) return known;
    const fresh = { minute, messagesIn: 0, messagesOut: 0, calls: 0, refusals: new Map() };
    slots[minute % MINUTES] = fresh;
    return fresh;
  }

  #forgetStrangers(): void {
    // Only looked at where there can be too many: the list itself may be long.
    if (this.#slots.size <= MAX_STRANGERS) return;
    const strangers = [...this.#slots.keys()].filter((domain) => !this.#isListed(domain));
    for (const domain of strangers.slice(0, -MAX_STRANGERS)) this.#slots.delete(domain);
  }
}
