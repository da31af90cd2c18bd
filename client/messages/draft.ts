/** Records as they will be after one event: what was changed lies over what there is. */
import type { MessageId } from '#client/content/message-id.ts';
import { inOrder, isEarlier } from './message.ts';
import {
  type Change,
  type GapRecord,
  keyOf,
  keys,
  type MarkRecord,
  type MessageRecord,
  type OutgoingRecord,
  type ReceiptsRecord,
  type RefRecord,
  type Said,
  type SettingsRecord,
  type TimelineRecord,
  type WaitingRecord,
} from './records.ts';

/** What a fold reads. Whoever keeps the records has an index for each of these. */
export interface Records {
  get(key: string): TimelineRecord | undefined;
  /** What waits for one message. */
  waitingFor(target: MessageId): Iterable<WaitingRecord>;
  waiting(): Iterable<WaitingRecord>;
  readonly waitingCount: number;
  /** Messages with a place after the first and up to the second, by place. */
  between(after: number, upTo: number): Iterable<MessageRecord>;
  /** Whether a message has this place in the hub's order. */
  isTaken(order: number): boolean;
}

export class Draft {
  readonly #base: Records;
  readonly #changed = new Map<string, TimelineRecord | undefined>();

  constructor(base: Records) {
    this.#base = base;
  }

  put(record: TimelineRecord): void {
    const key = keyOf(record);
    if (this.#get(key) !== record) this.#changed.set(key, record);
  }

  drop(key: string): void {
    if (this.#get(key) !== undefined) this.#changed.set(key, undefined);
  }

  /** Records that are other ones than before, or gone. */
  changes(): readonly Change[] {
    return [...this.#changed]
      .filter(([key, record]) => this.#base.get(key) !== record)
      .map(([key, record]) => ({ key, record }));
  }

  message(id: MessageId): MessageRecord | undefined {
    const record = this.#get(keys.message(id));
    return record?.kind === 'message' ? record : undefined;
  }

  ref(id: MessageId): RefRecord | undefined {
    const record = this.#get(keys.ref(id));
    return record?.kind === 'ref' ? record : undefined;
  }

  receipts(message: MessageId): ReceiptsRecord {
    const record = this.#get(keys.receipts(message));
    return record?.kind === 'receipts' ? record : { kind: 'receipts', message, receipts: [] };
  }

  outgoing(id: MessageId): OutgoingRecord | undefined {
    const record = this.#get(keys.outgoing(id));
    return record?.kind === 'outgoing' ? record : undefined;
  }

  gap(order: number): GapRecord | undefined {
    const record = this.#get(keys.gap(order));
    return record?.kind === 'gap' ? record : undefined;
  }

  /** Before everything where nothing was read. */
  mark(): MarkRecord {
    const record = this.#get(keys.mark);
    return record?.kind === 'mark' ? record : { kind: 'mark', order: Number.NEGATIVE_INFINITY };
  }

  settings(): SettingsRecord {
    const record = this.#get(keys.settings);
    return record?.kind === 'settings' ? record : { kind: 'settings' };
  }

  /** Keeps something until the message comes that it is about. */
  wait(target: MessageId, said: Said): void {
    const known = this.#get(keys.waiting(target, said.id));
    if (known?.kind === 'waiting' && !isEarlier(said.order, known.said.order)) return;
    this.put({ kind: 'waiting', target, said });
  }

  /** Takes out what waits for a message, the earliest first. */
  takeWaiting(target: MessageId): readonly WaitingRecord[] {
    const found = [...this.#base.waitingFor(target)].filter((each) => this.#get(keyOf(each)) !== undefined);
    for (const each of found) this.drop(keyOf(each));
    return found.sort((a, b) => inOrder(a.said, b.said));
  }

  /** Leaves so many waiting at most; the earliest give way, because what they wait for is the least likely to come. */
  limitWaiting(limit: number): void {
    const fresh = [...this.#changed.values()].filter((each) => each?.kind === 'waiting');
    if (this.#base.waitingCount + fresh.length <= limit) return;
    const left = [...this.#base.waiting()].filter((each) => !this.#changed.has(keyOf(each)));
    const all = [...left, ...fresh].sort((a, b) => inOrder(a.said, b.said));
    for (const each of all.slice(0, Math.max(0, all.length - limit))) this.drop(keyOf(each));
  }

  *between(after: number, upTo: number): Iterable<MessageRecord> {
    for (const { id } of this.#base.between(after, upTo)) {
      const message = this.message(id);
      if (message !== undefined) yield message;
    }
  }

  isTaken(order: number): boolean {
    return this.#base.isTaken(order);
  }

  #get(key: string): TimelineRecord | undefined {
    return this.#changed.has(key) ? this.#changed.get(key) : this.#base.get(key);
  }
}
