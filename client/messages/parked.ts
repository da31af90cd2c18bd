/**
 * What cannot be taken yet, because the homeserver of another organisation has to be asked and does not answer: kept on this device, in
 * order, and taken when it does. What comes for other conversations does not wait for it.
 *
 * A Welcome of a conversation that another organisation orders lies here first in any case, because its tree is there. Everything behind it
 * in that conversation comes behind it here too. It is stored in the write that says how far the inbox is, and goes in the write that
 * stores what came of it: so each is taken once.
 */
import { Compile } from 'typebox/compile';
import { HawserError } from '#signalling/errors.ts';
import { type ConversationId, type DomainName, domainOf, type GroupId } from '#signalling/ids.ts';
import { Entry } from '#signalling/queue.ts';
import { backoffMs } from '../backoff.ts';
import { ordinal } from '../vault/record-key.ts';
import type { Changes, Vault } from '../vault/vault.ts';
import { isOfWay } from './blame.ts';

export interface ParkedOptions {
  readonly vault: Vault;
  readonly own: DomainName;
  /**
   * Takes an entry, and stores `progress` with what came of it.
   * @param mayWait whether it is to throw where another organisation does not answer; else it goes on without
   */
  readonly take: (conversation: ConversationId, entry: Entry, progress: Changes, mayWait: boolean) => Promise<void>;
  /** Resolves when it is worth to try again. */
  readonly untilConnected: () => Promise<void>;
  /** 0 to 1 */
  readonly random: () => number;
  readonly onFault: (error: unknown) => void;
  readonly bounds?: ParkedBounds;
}

/** Of all conversations together. */
export interface ParkedBounds {
  readonly entries: number;
  /** Characters of payloads. */
  readonly length: number;
}

const BOUNDS: ParkedBounds = { entries: 10_000, length: 16 * 1024 * 1024 };
const PREFIX = 'parked/';
/** Whoever waits for what lies here is told after this that it is not taken, ms. */
const REACHED_MS = 30_000;
const validator = Compile(Entry);

interface Item {
  readonly key: string;
  readonly entry: Entry;
  /** Resolved when it is taken. */
  readonly taken: PromiseWithResolvers<void>;
}

interface Lane {
  readonly items: Item[];
  /** Characters. */
  length: number;
  isRunning: boolean;
  /** Too much came: nobody is waited for any more. */
  isGivenUp: boolean;
  /** Ends a pause. */
  wake: () => void;
}

export class ParkedEntries {
  readonly #options: ParkedOptions;
  readonly #lanes = new Map<ConversationId, Lane>();
  #next = 0;
  /** What lies here of all of them. */
  #entries = 0;
  #length = 0;
  #closed = false;

  private constructor(options: ParkedOptions) {
    this.#options = options;
  }

  /** Nothing is taken until `retry` is called. @throws HawserError VAULT_DAMAGED */
  static async open(options: ParkedOptions): Promise<ParkedEntries> {
    const parked = new ParkedEntries(options);
    for (const [key, bytes] of await options.vault.list(PREFIX)) {
      const end = key.lastIndexOf('/');
      parked.#push(key.slice(PREFIX.length, end) as ConversationId, key, read(bytes));
      parked.#next = Math.max(parked.#next, Number(key.slice(end + 2)) + 1);
    }
    return parked;
  }

  /** Takes an entry, or keeps it for later together with `progress`. @throws what taking throws where it is to come again */
  async take(conversation: ConversationId, entry: Entry, progress: Changes): Promise<void> {
    const { own, take } = this.#options;
    const isAsking = entry.kind === 'welcome' && domainOf(conversation) !== own;
    if (isAsking || this.#lanes.has(conversation)) return this.#park(conversation, entry, progress);
    try {
      await take(conversation, entry, progress, true);
    } catch (error) {
      if (!isOfWay(error)) throw error;
      await this.#park(conversation, entry, progress);
    }
  }

  /** The conversation of which something of a group lies here. */
  conversationOf(group: GroupId): ConversationId | undefined {
    for (const [conversation, { items }] of this.#lanes) {
      if (items.some(({ entry }) => entry.group === group)) return conversation;
    }
    return undefined;
  }

  /** It is worth to try again now. */
  retry(): void {
    for (const conversation of this.#lanes.keys()) this.#run(conversation);
  }

  /**
   * Resolves when what lies here of a conversation at this moment is taken.
   * @throws HawserError SIG_TIMEOUT where that takes long
   */
  async reached(conversation: ConversationId): Promise<void> {
    const last = this.#lanes.get(conversation)?.items.at(-1);
    if (!last) return;
    this.#run(conversation);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => late.reject(new HawserError('SIG_TIMEOUT', 'what lies here')), REACHED_MS);
    try {
      await Promise.race([last.taken.promise, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#closed = true;
    for (const { wake } of this.#lanes.values()) wake();
  }

  async #park(conversation: ConversationId, entry: Entry, progress: Changes): Promise<void> {
    const key = `${PREFIX}${conversation}/${ordinal(this.#next)}`;
    await this.#options.vault.write(new Map([...progress, [key, write(entry)]]));
    this.#next += 1;
    this.#push(conversation, key, entry);
    this.#limit();
    if (!this.#lanes.get(conversation)?.isRunning) this.#run(conversation);
  }

  /** One entry is taken after the other, and what is behind it meanwhile lies here: the lane goes only when it is empty. */
  #push(conversation: ConversationId, key: string, entry: Entry): void {
    const lane = this.#lanes.get(conversation) ?? {
      ...{ items: [], length: 0, isRunning: false, isGivenUp: false, wake: () => undefined },
    };
    lane.items.push({ key, entry, taken: Promise.withResolvers() });
    this.#count(lane, 1, entry.payload.length);
    this.#lanes.set(conversation, lane);
  }

  /** Where too much lies here, the conversation with the most of it is not waited for any more. */
  #limit(): void {
    const { entries, length } = this.#options.bounds ?? BOUNDS;
    if (this.#entries <= entries && this.#length <= length) return;
    const [most] = [...this.#lanes.values()].toSorted((a, b) => b.length - a.length);
    if (!most || most.isGivenUp) return;
    most.isGivenUp = true;
    most.wake();
  }

  #count(lane: Lane, entries: number, length: number): void {
    lane.length += length;
    this.#entries += entries;
    this.#length += length;
  }

  #run(conversation: ConversationId): void {
    const lane = this.#lanes.get(conversation);
    if (!lane || this.#closed) return;
    lane.wake();
    if (lane.isRunning) return;
    lane.isRunning = true;
    this.#drain(conversation, lane)
      .catch(this.#options.onFault)
      .finally(() => {
        lane.isRunning = false;
      });
  }

  async #drain(conversation: ConversationId, lane: Lane): Promise<void> {
    const { take, untilConnected, random, onFault } = this.#options;
    let failures = 0;
    for (let first = lane.items[0]; first && !this.#closed; first = lane.items[0]) {
      try {
        await take(conversation, first.entry, new Map([[first.key, undefined]]), !lane.isGivenUp);
        lane.items.shift();
        this.#count(lane, -1, -first.entry.payload.length);
        first.taken.resolve();
        failures = 0;
      } catch (error) {
        if (this.#closed) return;
        if (!isOfWay(error)) onFault(error);
        failures += 1;
        await pause(lane, backoffMs(failures, random()));
        await untilConnected();
      }
    }
    if (lane.items.length === 0) this.#lanes.delete(conversation);
  }
}

async function pause(lane: Lane, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  lane.wake = resolve;
  const timer = setTimeout(resolve, ms);
  if (typeof timer === 'object') timer.unref?.();
  await promise;
  clearTimeout(timer);
}

function write(entry: Entry): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(entry));
}

function read(bytes: Uint8Array): Entry {
  try {
    const stored: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (validator.Check(stored)) return stored;
  } catch {
    // told below
  }
  throw new HawserError('VAULT_DAMAGED', 'what was still to be taken');
}
