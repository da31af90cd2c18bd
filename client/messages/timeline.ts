/**
 * The messages of one conversation as a device holds them: the records, an index for each question that the fold and a page ask,
 * and nothing else. All that decides is in `fold.ts`.
 */
import type { Settings } from '#client/content/content.ts';
import type { MessageId } from '#client/content/message-id.ts';
import { Store } from '#client/store.ts';
import type { UserId } from '#signalling/ids.ts';
import type { Records } from './draft.ts';
import { expire, expiresAt } from './expiry.ts';
import { type Folded, fold, type TimelineEvent } from './fold.ts';
import type { Reader } from './message.ts';
import { type Delivery, deliveryOf } from './receipts.ts';
import {
  type Change,
  keyOf,
  keys,
  type MessageRecord,
  type OutgoingRecord,
  type TimelineRecord,
  type WaitingRecord,
} from './records.ts';
import { type Unread, unreadOf } from './unread.ts';
import { type Item, itemOf } from './view.ts';

interface Place {
  readonly order: number;
  readonly key: string;
}

export class Timeline implements Records {
  readonly reader: Reader;
  /** Counts the changes: whoever shows something of the timeline asks again when it counts on. */
  readonly changed = new Store(0);
  readonly #records = new Map<string, TimelineRecord>();
  /** Messages, gaps and notices by place. */
  readonly #places: Place[] = [];
  readonly #unplaced = new Map<string, MessageRecord>();
  readonly #expiring = new Map<string, MessageRecord>();
  readonly #outgoing = new Map<string, OutgoingRecord>();
  readonly #waiting = new Map<MessageId, Map<string, WaitingRecord>>();
  #waitingCount = 0;

  /** @param records what was stored, in any order */
  constructor(reader: Reader, records: Iterable<TimelineRecord> = []) {
    this.reader = reader;
    // By place, because each one put before others moves all of them.
    const place = (record: TimelineRecord) => ('order' in record ? (record.order ?? Number.POSITIVE_INFINITY) : -1);
    const sorted = [...records]
      .map((record) => ({ record, at: place(record) }))
      .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    for (const { record } of sorted) this.#set(keyOf(record), record);
  }

  /** What the event changed, to be stored before anybody is told; and what it wanted and must not have. */
  apply(event: TimelineEvent): Folded {
    const folded = fold(this, event, this.reader);
    this.#commit(folded.changes);
    return folded;
  }

  /** Lets messages vanish whose time is over. `next`: when to call it again, ms since 1970. */
  expire(now: number): { readonly changes: readonly Change[]; readonly next: number | undefined } {
    const { messages, next } = expire(this.#expiring.values(), now);
    const changes = messages.flatMap((record): Change[] => [
      { key: keyOf(record), record },
      ...(this.#records.has(keys.receipts(record.id)) ? [{ key: keys.receipts(record.id), record: undefined }] : []),
    ]);
    this.#commit(changes);
    return { changes, next };
  }

  /**
   * The last so many messages, gaps and notices, the oldest first; `before` a place, or from the end with what was not accepted yet.
   */
  items({ before, limit = 100 }: { readonly before?: number; readonly limit?: number } = {}): readonly Item[] {
    const end = before === undefined ? this.#places.length : this.#index(before);
    const placed = this.#places.slice(Math.max(0, end - limit), end).map(({ key }) => this.#records.get(key));
    const unplaced = before === undefined ? [...this.#unplaced.values()].sort((a, b) => a.at - b.at) : [];
    return [...placed, ...unplaced].flatMap((record): Item[] => {
      if (record?.kind === 'gap' || record?.kind === 'notice') return [record];
      return record?.kind === 'message' ? [itemOf(record, (id) => this.message(id), this.reader)] : [];
    });
  }

  /** The message of which this is the id, or the id of a version. */
  message(id: MessageId): MessageRecord | undefined {
    const record = this.#records.get(keys.message(id));
    if (record?.kind === 'message') return record;
    const ref = this.#records.get(keys.ref(id));
    const about = ref?.kind === 'ref' ? this.#records.get(keys.message(ref.message)) : undefined;
    return about?.kind === 'message' ? about : undefined;
  }

  unread(): Unread {
    const mark = this.#records.get(keys.mark);
    const after = mark?.kind === 'mark' ? mark.order : Number.NEGATIVE_INFINITY;
    return unreadOf(this.between(after, Number.POSITIVE_INFINITY), this.reader);
  }

  /** How an own message fares. @param recipients everybody in the conversation but this person */
  delivery(message: MessageRecord, recipients: readonly UserId[]): Delivery {
    const record = this.#records.get(keys.receipts(message.id));
    return deliveryOf(message, record?.kind === 'receipts' ? record : undefined, recipients);
  }

  /** What this person set, on this device or another. */
  settings(): Pick<Settings, 'archived' | 'muted'> {
    const record = this.#records.get(keys.settings);
    const set = record?.kind === 'settings' ? record : undefined;
    const now: { archived?: boolean; muted?: NonNullable<Settings['muted']> } = {
      ...(set?.archived !== undefined && { archived: set.archived.value }),
      ...(set?.muted !== undefined && { muted: set.muted.value }),
    };
    for (const { sending, said } of this.#outgoing.values()) {
      if (sending.state === 'failed' || said.content.kind !== 'settings') continue;
      const { readUpTo: _read, ...fresh } = said.content.settings;
      Object.assign(now, fresh);
    }
    return now;
  }

  /** What this device wrote and was not accepted yet. */
  outgoing(): readonly OutgoingRecord[] {
    return [...this.#outgoing.values()];
  }

  /** Every record, as it is to be stored. */
  records(): Iterable<TimelineRecord> {
    return this.#records.values();
  }

  get(key: string): TimelineRecord | undefined {
    return this.#records.get(key);
  }

  waitingFor(target: MessageId): Iterable<WaitingRecord> {
    return this.#waiting.get(target)?.values() ?? [];
  }

  *waiting(): Iterable<WaitingRecord> {
    for (const each of this.#waiting.values()) yield* each.values();
  }

  get waitingCount(): number {
    return this.#waitingCount;
  }

  *between(after: number, upTo: number): Iterable<MessageRecord> {
    for (let at = this.#index(after); at < this.#places.length; at++) {
      const place = this.#places[at];
      if (place === undefined || place.order > upTo) return;
      const record = place.order > after ? this.#records.get(place.key) : undefined;
      if (record?.kind === 'message') yield record;
    }
  }

  isTaken(order: number): boolean {
    for (let at = this.#index(order); this.#places[at]?.order === order; at++) {
      if (this.#places[at]?.key !== keys.gap(order)) return true;
    }
    return false;
  }

  #commit(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    for (const { key, record } of changes) this.#set(key, record);
    this.changed.set(this.changed.state + 1);
  }

  #set(key: string, record: TimelineRecord | undefined): void {
    const before = this.#records.get(key);
    if (before !== undefined) this.#unindex(key, before);
    if (record === undefined) this.#records.delete(key);
    else {
      this.#records.set(key, record);
      this.#reindex(key, record);
    }
  }

  #unindex(key: string, record: TimelineRecord): void {
    if (record.kind === 'message' || record.kind === 'gap' || record.kind === 'notice') {
      this.#unplaced.delete(key);
      this.#expiring.delete(key);
      if (record.order === undefined) return;
      let at = this.#index(record.order);
      while (this.#places[at] !== undefined && this.#places[at]?.key !== key) at += 1;
      this.#places.splice(at, 1);
    } else if (record.kind === 'waiting') {
      const same = this.#waiting.get(record.target);
      if (same?.delete(key)) this.#waitingCount -= 1;
      if (same?.size === 0) this.#waiting.delete(record.target);
    } else if (record.kind === 'outgoing') this.#outgoing.delete(key);
  }

  #reindex(key: string, record: TimelineRecord): void {
    if (record.kind === 'message' || record.kind === 'gap' || record.kind === 'notice') {
      if (record.kind === 'message' && mayExpire(record)) this.#expiring.set(key, record);
      if (record.order !== undefined) this.#place(record.order, key);
      else if (record.kind === 'message') this.#unplaced.set(key, record);
    } else if (record.kind === 'waiting') {
      const same = this.#waiting.get(record.target) ?? new Map<string, WaitingRecord>();
      this.#waiting.set(record.target, same.set(key, record));
      this.#waitingCount += 1;
    } else if (record.kind === 'outgoing') this.#outgoing.set(key, record);
  }

  #place(order: number, key: string): void {
    let at = this.#index(order);
    while (this.#places[at]?.order === order && (this.#places[at]?.key ?? '') < key) at += 1;
    this.#places.splice(at, 0, { order, key });
  }

  /** Where the first place that is not before this one stands. */
  #index(order: number): number {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#places[middle]?.order ?? 0) < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function mayExpire(message: MessageRecord): boolean {
  return expiresAt(message) !== undefined;
}
