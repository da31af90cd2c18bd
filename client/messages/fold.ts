/**
 * The fold: one event over the records of a conversation makes the records that changed, and names what was refused. The hub's
 * order decides, never the order of arrival: whatever comes early waits, and whatever comes twice changes nothing.
 */
import type { Content } from '#client/content/content.ts';
import type { MessageId } from '#client/content/message-id.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { DeviceId, DomainName } from '#signalling/ids.ts';
import { Draft, type Records } from './draft.ts';
import { isOver, type Reader, withDeletion, withMention, withReaction, withRemoval, withVersion } from './message.ts';
import { undone } from './outgoing.ts';
import { withReport } from './receipts.ts';
import {
  type Change,
  type GapRecord,
  keys,
  type MessageRecord,
  type NoticeRecord,
  type Said,
  type Sending,
  type SettingsRecord,
} from './records.ts';

export type TimelineEvent =
  /** Came from the hub. `now`, like all times here: ms since 1970. */
  | { readonly type: 'received'; readonly said: Said & { readonly order: number }; readonly now: number }
  /** Came from the hub and cannot be read. */
  | { readonly type: 'unreadable'; readonly gap: Omit<GapRecord, 'kind'> }
  /** The hub told it. */
  | { readonly type: 'noticed'; readonly notice: Omit<NoticeRecord, 'kind'> }
  /** Was written on this device and is about to be sent, for the first time or once more. */
  | {
      readonly type: 'queued';
      readonly id: MessageId;
      readonly device: DeviceId;
      readonly content: Content;
      readonly now: number;
    }
  | {
      readonly type: 'accepted';
      readonly id: MessageId;
      readonly order: number;
      readonly at: number;
      readonly now: number;
    }
  /** Lies at the own homeserver, until that of another organisation can be reached. */
  | { readonly type: 'waits'; readonly id: MessageId; readonly domain: DomainName; readonly since: number }
  /** Has to be sent once more. */
  | { readonly type: 'returned'; readonly id: MessageId }
  | { readonly type: 'failed'; readonly id: MessageId; readonly code: ErrorCode }
  /** Was given up by who wrote it: it failed, or was never sent. */
  | { readonly type: 'discarded'; readonly id: MessageId }
  /** Was seen on this device, with everything before it. */
  | { readonly type: 'read'; readonly upTo: MessageId; readonly now: number };

export interface Refusal {
  readonly id: MessageId;
  readonly code: ErrorCode;
}

export interface Folded {
  readonly changes: readonly Change[];
  readonly refused: readonly Refusal[];
}

/** Edits, reactions and the like that wait for what they are about. With texts of 32 kB, 32 MB of the device at the very most. */
export const MAX_WAITING = 1000;
/** How far a chain of replies is followed. No chain can bite its tail, as ids are hashes; this bounds what trying costs. */
const MAX_CHAIN = 256;

export function fold(records: Records, event: TimelineEvent, reader: Reader): Folded {
  const draft = new Draft(records);
  const refused = new Step(draft, reader).take(event);
  return { changes: draft.changes(), refused };
}

class Step {
  readonly #draft: Draft;
  readonly #reader: Reader;
  readonly #refused: Refusal[] = [];
  /** What is known now and was not: whatever waits for one of these is next. */
  #arrived: MessageId[] = [];

  constructor(draft: Draft, reader: Reader) {
    this.#draft = draft;
    this.#reader = reader;
  }

  take(event: TimelineEvent): readonly Refusal[] {
    const draft = this.#draft;
    switch (event.type) {
      case 'received':
        this.#all(event.said, event.now);
        break;
      case 'unreadable':
        if (!draft.isTaken(event.gap.order) && draft.gap(event.gap.order) === undefined) {
          draft.put({ kind: 'gap', ...event.gap });
        }
        break;
      case 'noticed':
        draft.put({ kind: 'notice', ...event.notice });
        break;
      case 'queued':
        this.#queued(event);
        break;
      case 'accepted': {
        const outgoing = draft.outgoing(event.id);
        if (outgoing !== undefined) this.#all({ ...outgoing.said, order: event.order, at: event.at }, event.now);
        break;
      }
      case 'waits': {
        const { domain, since } = event;
        this.#fares(event.id, { state: 'waiting', domain, since });
        break;
      }
      case 'returned':
        this.#fares(event.id, { state: 'queued' });
        break;
      case 'failed': {
        const outgoing = draft.outgoing(event.id);
        if (outgoing === undefined) break;
        this.#fares(event.id, { state: 'failed', code: event.code });
        if (draft.message(event.id) === undefined) undone(draft, outgoing.said, this.#reader);
        break;
      }
      case 'discarded': {
        const outgoing = draft.outgoing(event.id);
        if (outgoing === undefined) break;
        draft.drop(keys.outgoing(event.id));
        if (draft.message(event.id)?.order === undefined) draft.drop(keys.message(event.id));
        undone(draft, outgoing.said, this.#reader);
        break;
      }
      case 'read':
        this.#read(event.upTo, event.now);
        break;
    }
    draft.limitWaiting(MAX_WAITING);
    return this.#refused;
  }

  /** What is on its way, and the message where it is one. */
  #fares(id: MessageId, sending: Sending): void {
    const outgoing = this.#draft.outgoing(id);
    if (outgoing === undefined) return;
    this.#draft.put({ ...outgoing, sending });
    const message = this.#draft.message(id);
    if (message !== undefined) this.#draft.put({ ...message, sending });
  }

  /** This, and after it whatever waited for it. Returns whether this was taken. */
  #all(said: Said, now: number): boolean {
    const next: Said[] = [said];
    let taken = false;
    for (let each = next.shift(); each !== undefined; each = next.shift()) {
      this.#arrived = [];
      const done = this.#one(each, now);
      if (each === said) taken = done;
      for (const id of this.#arrived) next.push(...this.#draft.takeWaiting(id).map((waiting) => waiting.said));
    }
    return taken;
  }

  #one(said: Said, now: number): boolean {
    const { id, order, content } = said;
    // Refused or not: the hub has it, so that this device need not send it again.
    if (order !== undefined) this.#draft.drop(keys.outgoing(id));
    try {
      this.#say(said, now);
    } catch (error) {
      if (!(error instanceof HawserError)) throw error;
      this.#refused.push({ id, code: error.code });
      return false;
    }
    // The places of settings are those of another conversation, in which the devices of one person talk.
    if (order !== undefined && content.kind !== 'settings') this.#draft.drop(keys.gap(order));
    return true;
  }

  #queued({ id, device, content, now }: Extract<TimelineEvent, { type: 'queued' }>): void {
    const { kind } = content;
    if (kind === 'typing' || kind === 'call' || kind === 'report' || kind === 'compared' || kind === 'nothing') return;
    const known = this.#draft.message(id);
    // It was accepted, and the answer got lost.
    if (known?.order !== undefined) return;
    const before = this.#draft.outgoing(id)?.said.at;
    const said: Said = { id, sender: this.#reader.self, device, at: before ?? now, content };
    if (kind !== 'settings' && !this.#all(said, now)) return;
    this.#draft.put({ kind: 'outgoing', said, sending: { state: 'queued' } });
    const message = this.#draft.message(id);
    if (message !== undefined) this.#draft.put({ ...message, sending: { state: 'queued' } });
  }

  #say(said: Said, now: number): void {
    const { content } = said;
    switch (content.kind) {
      case 'message':
        return this.#message(said, content, now);
      case 'edit': {
        const message = this.#about(content.target, said);
        if (message === undefined) return;
        if (message === 'reaction') return refuse('MSG_WRONG_TARGET');
        this.#byAuthor(message, said);
        const before = message.body?.kind;
        if (before !== undefined && before !== 'text' && before !== 'attachments') refuse('MSG_WRONG_TARGET');
        this.#refer(said.id, 'version', message.id);
        const { id, order, at } = said;
        const version = { id, ...(order !== undefined && { order }), at, body: content.body };
        if (!isOver(message)) this.#draft.put(withVersion(message, version, this.#reader));
        return;
      }
      case 'reaction': {
        const message = this.#about(content.target, said);
        if (message === undefined) return;
        if (message === 'reaction') return refuse('MSG_WRONG_TARGET');
        this.#refer(said.id, 'reaction', message.id);
        if (isOver(message)) return;
        const { id, order, at, sender: user } = said;
        const reaction = { id, user, ...(order !== undefined && { order }), at, emojis: content.emojis };
        const next = withReaction(message, reaction);
        this.#draft.put(next);
        if (!next.reactions.some((each) => each.id === id)) refuse('MSG_LIMIT');
        return;
      }
      case 'unreact':
        return this.#unreact(said, content.reaction);
      case 'delete': {
        const message = this.#about(content.target, said);
        if (message === undefined) return;
        if (message === 'reaction') return this.#unreact(said, content.target);
        this.#byAuthor(message, said);
        const { id, order, at } = said;
        if (message.ending?.kind === 'expired') return;
        const next = withDeletion(message, { id, ...(order !== undefined && { order }), at });
        this.#draft.put(next);
        if (isOver(next)) this.#draft.drop(keys.receipts(message.id));
        return;
      }
      case 'report':
        for (const report of content.reports) {
          const alone: Said = { ...said, content: { kind: 'report', reports: [report] } };
          const message = this.#about(report.message, alone);
          if (message === undefined || message === 'reaction') continue;
          this.#report(message, alone, report.status, now);
        }
        return;
      case 'settings':
        return this.#settings(said, content, now);
      case 'typing':
      case 'call':
      case 'compared':
      case 'nothing':
        return;
    }
  }

  #message(said: Said, content: Extract<Content, { kind: 'message' }>, now: number): void {
    const { id, sender, device, order, at } = said;
    const known = this.#draft.message(id);
    const place = { ...(order !== undefined && { order }), at };
    if (known !== undefined) {
      if (order === undefined || (known.order !== undefined && known.order <= order)) return;
      const { sending: _sent, ...rest } = known;
      this.#draft.put(this.#clocked({ ...rest, ...place }, now));
      this.#arrived.push(id);
      return;
    }
    const { body, replyTo, expires } = content;
    if (replyTo !== undefined && this.#loops(id, replyTo)) refuse('MSG_REPLY_LOOP');
    const fresh: MessageRecord = {
      kind: 'message',
      id,
      sender,
      device,
      ...place,
      body,
      ...(replyTo !== undefined && { replyTo }),
      ...(expires !== undefined && { expires }),
      versions: [],
      reactions: [],
      mentionsMe: false,
    };
    this.#draft.put(withMention(this.#clocked(fresh, now), this.#reader));
    this.#arrived.push(id);
  }

  /** A message that vanishes some time after it was read begins its time: its writer has read it when it was accepted. */
  #clocked(message: MessageRecord, now: number): MessageRecord {
    const { expires, order, readAt } = message;
    if (expires === undefined || !('after' in expires) || order === undefined || readAt !== undefined) return message;
    if (message.sender === this.#reader.self) return { ...message, readAt: message.at };
    return order <= this.#draft.mark().order ? { ...message, readAt: now } : message;
  }

  #loops(id: MessageId, replyTo: MessageId): boolean {
    let next: MessageId | undefined = replyTo;
    for (let steps = 0; next !== undefined && steps < MAX_CHAIN; steps++) {
      const message = this.#known(next);
      if (next === id || (typeof message === 'object' && message.id === id)) return true;
      next = typeof message === 'object' ? message.replyTo : undefined;
    }
    return false;
  }

  #unreact(said: Said, reaction: MessageId): void {
    const ref = this.#draft.ref(reaction);
    if (ref === undefined) {
      if (this.#draft.message(reaction) !== undefined) refuse('MSG_WRONG_TARGET');
      this.#draft.wait(reaction, said);
      return;
    }
    if (ref.as !== 'reaction') refuse('MSG_WRONG_TARGET');
    const message = this.#draft.message(ref.message);
    const made = message?.reactions.find(({ id }) => id === reaction);
    if (message === undefined || made === undefined) return;
    if (made.user !== said.sender) refuse('MSG_NOT_AUTHOR');
    const { id, order } = said;
    this.#draft.put(withRemoval(message, reaction, { id, ...(order !== undefined && { order }) }));
  }

  #report(message: MessageRecord, said: Said, status: Parameters<typeof withReport>[2], now: number): void {
    const { self } = this.#reader;
    if (said.sender === self) {
      // Another device of this person: what was read there was read.
      if (status === 'read' && message.sender !== self) this.#readUpTo(message, now, said);
    } else if (message.sender === self && !isOver(message)) {
      const next = withReport(this.#draft.receipts(message.id), said.sender, status, said.at);
      if (next === undefined) refuse('MSG_LIMIT');
      if (next.receipts.length > 0) this.#draft.put(next);
    }
  }

  #settings(said: Said, content: Extract<Content, { kind: 'settings' }>, now: number): void {
    const { self, conversation } = this.#reader;
    if (said.sender !== self) refuse('MSG_NOT_AUTHOR');
    if (content.conversation !== conversation || said.order === undefined) return;
    const { archived, muted, readUpTo } = content.settings;
    let next: SettingsRecord = this.#draft.settings();
    const { order } = said;
    if (archived !== undefined && order > (next.archived?.order ?? -1))
      next = { ...next, archived: { value: archived, order } };
    if (muted !== undefined && order > (next.muted?.order ?? -1)) next = { ...next, muted: { value: muted, order } };
    if (next.archived !== undefined || next.muted !== undefined) this.#draft.put(next);
    if (readUpTo === undefined) return;
    const alone: Said = { ...said, content: { ...content, settings: { readUpTo } } };
    const message = this.#about(readUpTo, alone);
    if (message !== undefined && message !== 'reaction') this.#readUpTo(message, now, alone);
  }

  #read(upTo: MessageId, now: number): void {
    const message = this.#known(upTo);
    if (message !== undefined && message !== 'reaction') this.#readUpTo(message, now);
  }

  /** @param said by what another device told; it can know the place of an own message before this device does, and waits then */
  #readUpTo(message: MessageRecord, now: number, said?: Said): void {
    const { order } = message;
    const before = this.#draft.mark().order;
    if (order === undefined && said !== undefined) this.#draft.wait(message.id, said);
    if (order === undefined || order <= before) return;
    this.#draft.put({ kind: 'mark', order });
    // The message itself may have come in this very step, and have no place among the others yet.
    for (const each of [...this.#draft.between(before, order), message]) {
      if (!isOver(each)) this.#draft.put(this.#clocked(each, now));
    }
  }

  /** The message that this is about; undefined where it is not here, in which case this waits for it. */
  #about(target: MessageId, said: Said): MessageRecord | 'reaction' | undefined {
    const known = this.#known(target);
    if (known === undefined) this.#draft.wait(target, said);
    return known;
  }

  /** The message of which this is the id, or the id of a version. */
  #known(id: MessageId): MessageRecord | 'reaction' | undefined {
    const message = this.#draft.message(id);
    if (message !== undefined) return message;
    const ref = this.#draft.ref(id);
    return ref?.as === 'reaction' ? 'reaction' : ref && this.#draft.message(ref.message);
  }

  #refer(id: MessageId, as: 'version' | 'reaction', message: MessageId): void {
    if (this.#draft.ref(id) === undefined) {
      this.#draft.put({ kind: 'ref', id, as, message });
      this.#arrived.push(id);
    }
  }

  #byAuthor(message: MessageRecord, said: Said): void {
    if (message.sender !== said.sender) refuse('MSG_NOT_AUTHOR');
  }
}

function refuse(code: ErrorCode): never {
  throw new HawserError(code);
}
