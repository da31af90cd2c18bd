/**
 * One conversation on this device: what was said in it, and what this device has to say. Everything is stored before it is
 * shown as done: what a person wrote before anything of it leaves, what came together with the keys that read it.
 */
import { decodeContent, encodeContent } from '#client/content/codec.ts';
import type { Comparison, Content, Report } from '#client/content/content.ts';
import type { MessageId } from '#client/content/message-id.ts';
import type { Changes } from '#mls/journal.ts';
import type { Received } from '#mls/step.ts';
import { toBase64Url } from '#signalling/base64.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { NewMessage, SentMessage } from '#signalling/groups.ts';
import { type ConversationId, type DeviceId, type UserId, userOfDevice } from '#signalling/ids.ts';
import { parseNotice } from '#signalling/notice.ts';
import type { Entry } from '#signalling/queue.ts';
import { backoffMs } from '../backoff.ts';
import type { ConversationGroup } from '../groups/conversation-group.ts';
import { Store } from '../store.ts';
import type { Vault } from '../vault/vault.ts';
import type { TimelineEvent } from './fold.ts';
import { type OutboxItem, outboxKey, outboxPrefix, readItem, writeItem } from './outbox.ts';
import { type Change, type GapReason, keys, recordBytes, recordFrom, type Said } from './records.ts';
import { type OwnReport, Reports } from './reports.ts';
import { Timeline } from './timeline.ts';
import { TYPING_LASTS, type Typing, withTyping } from './typing.ts';

export interface ConversationMessagesOptions {
  readonly conversation: ConversationId;
  readonly device: DeviceId;
  readonly vault: Vault;
  readonly group: ConversationGroup;
  /** @throws HawserError where the hub refused it, or cannot be reached (then `retry`) */
  readonly send: (message: NewMessage) => Promise<SentMessage>;
  /** Resolves when it is worth to try again. */
  readonly untilConnected: () => Promise<void>;
  /** Whether senders are told who got and read what they said: in small conversations only. */
  readonly reports: () => boolean;
  /** A setting of some conversation was said by this person in this one: it has a place in the order now, or was refused. */
  readonly onSettings: (said: Said) => Promise<void>;
  /** Where senders are not told: everything up to this message was read. `also` is stored together with telling the own devices. */
  readonly onRead: (upTo: MessageId, also: Changes) => Promise<void>;
  /** Another device of this person says in this conversation whom he compared. */
  readonly onCompared: (device: DeviceId, comparison: Comparison) => Promise<void>;
  /** Somebody else said something new; what it returns is stored together with it. */
  readonly onHeard?: (said: Said) => Changes;
  readonly now: () => number;
  readonly random: () => number;
  readonly onFault: (error: unknown) => void;
}

/** What the vault holds of a conversation. */
interface Stored {
  readonly timeline: Timeline;
  readonly outbox: OutboxItem[];
  readonly number: number;
  readonly reports: Reports;
}

/** Tells why a message cannot be read, to the person. */
const GAPS: Readonly<Partial<Record<ErrorCode, GapReason>>> = {
  MLS_EPOCH_PAST: 'keys-gone',
  MLS_NOT_MEMBER: 'before-joining',
};

export class ConversationMessages {
  readonly id: ConversationId;
  readonly group: ConversationGroup;
  /** Who is writing just now. */
  readonly typing = new Store<Typing>(new Map());
  /** What the last event changed in the timeline; empty where the keys changed, or all was read again. */
  readonly changed = new Store<readonly Change[]>([]);
  readonly #options: ConversationMessagesOptions;
  #timeline: Timeline;
  #outbox: OutboxItem[];
  #number: number;
  #draining: Promise<void> | undefined;
  readonly #reports: Reports;
  #closed = false;

  private constructor(options: ConversationMessagesOptions, stored: Stored) {
    this.id = options.conversation;
    this.group = options.group;
    this.#options = options;
    this.#timeline = stored.timeline;
    this.#outbox = stored.outbox;
    this.#number = stored.number;
    this.#reports = stored.reports;
  }

  /** @throws HawserError VAULT_DAMAGED */
  static async open(options: ConversationMessagesOptions): Promise<ConversationMessages> {
    const { vault, conversation } = options;
    const items = [...(await vault.list(outboxPrefix(conversation)))].map(([key, bytes]) => readItem(key, bytes));
    const timeline = await readTimeline(options);
    const number = await vault.get(numberKey(conversation));
    // Counting from the beginning, the hub would take what is said now for what was said then.
    if (!number && hasSaid(timeline, options.device)) throw new HawserError('VAULT_DAMAGED', 'the number of messages');
    const count = number ? new DataView(number.slice().buffer).getFloat64(0) : 0;
    const { onFault } = options;
    let self: ConversationMessages | undefined;
    const say = async (reports: readonly Report[], also: Changes) => {
      if (self) await self.#tell(reports, also);
    };
    const reports = await Reports.open({ conversation, vault, say, onFault });
    self = new ConversationMessages(options, {
      timeline,
      outbox: items,
      number: count,
      reports,
    });
    return self;
  }

  get timeline(): Timeline {
    return this.#timeline;
  }

  /** Whether something waits to be sent. */
  get isSending(): boolean {
    return this.#outbox.length > 0;
  }

  /**
   * Says something. It is on disk when the promise resolves, shown from then on, and sent once the hub can be reached.
   * @param also stored together with it
   * @throws HawserError of the CONTENT family where it cannot be said
   */
  async say(content: Content, also?: (id: MessageId) => Changes): Promise<MessageId> {
    const { device, vault, now } = this.#options;
    const { id, bytes } = await encodeContent(content, { sender: userOfDevice(device), room: this.id });
    const place = (this.#outbox.at(-1)?.place ?? 0) + 1;
    const item: OutboxItem = { place, id, content: bytes };
    this.#outbox.push(item);
    const changes = this.#apply({ type: 'queued', id, device, content, now: now() });
    await vault.write(new Map([...changes, ...(also?.(id) ?? []), [outboxKey(this.id, place), writeItem(item)]]));
    this.drain();
    return id;
  }

  /** Says once more what the hub refused. It gets another name and a place at the end. */
  async again(id: MessageId): Promise<MessageId | undefined> {
    const outgoing = this.#timeline.get(keys.outgoing(id));
    if (outgoing?.kind !== 'outgoing' || outgoing.sending.state !== 'failed') return undefined;
    const discarded = this.#apply({ type: 'discarded', id });
    return this.say(outgoing.said.content, () => new Map(discarded));
  }

  /** Gives up what the hub refused. */
  async discard(id: MessageId): Promise<void> {
    await this.#options.vault.write(new Map(this.#apply({ type: 'discarded', id })));
  }

  /** A setting of this conversation that is said in another one, shown until it has its place there. To be stored. */
  settingQueued(id: MessageId, content: Content & { readonly kind: 'settings' }): Changes {
    const { device, now } = this.#options;
    return new Map(this.#apply({ type: 'queued', id, device, content, now: now() }));
  }

  /** A setting of this conversation that was said in another one, with its place there; without one it was refused. */
  async settingTaken(said: Said): Promise<void> {
    const { vault, now } = this.#options;
    const { order, id } = said;
    const event: TimelineEvent =
      order === undefined ? { type: 'discarded', id } : { type: 'received', said: { ...said, order }, now: now() };
    await vault.write(new Map(this.#apply(event)));
  }

  /** Sends what waits, in order. */
  drain(): void {
    if (this.#outbox.length === 0 || this.#closed) return;
    this.#draining ??= this.#drain()
      .catch(this.#options.onFault)
      .finally(() => {
        this.#draining = undefined;
      });
  }

  /** Everything up to this message was seen. */
  async read(upTo: MessageId): Promise<void> {
    const { vault, now, reports } = this.#options;
    const before = this.#mark;
    const changes = this.#apply({ type: 'read', upTo, now: now() });
    const seen = [...this.#timeline.between(before, this.#mark)].filter(
      ({ sender }) => sender !== this.#timeline.reader.self,
    );
    const told = (reports() ? seen : seen.slice(-1)).map(({ id }): OwnReport => ({ message: id, status: 'read' }));
    await vault.write(new Map([...changes, ...this.#reports.records(told)]));
    this.#reports.add(told);
  }

  /**
   * Tells the others that this person writes, or has stopped. Nothing of it is stored or tried again: what cannot be told now, or has to
   * wait behind something else, is not worth telling later.
   */
  tellTyping(active: boolean): void {
    if (this.isSending || this.#draining !== undefined || this.#closed) return;
    this.#draining = this.#sendTyping(active)
      .catch((error: unknown) => {
        if (!(error instanceof HawserError)) this.#options.onFault(error);
      })
      .finally(() => {
        this.#draining = undefined;
        this.drain();
      });
  }

  /** Up to where it was read. */
  get #mark(): number {
    const mark = this.#timeline.get(keys.mark);
    return mark?.kind === 'mark' ? mark.order : Number.NEGATIVE_INFINITY;
  }

  /**
   * Takes what the homeserver delivered.
   * @param progress stored together with what comes of it
   */
  async take(entry: Entry, progress: Changes): Promise<void> {
    const { vault } = this.#options;
    const told: OwnReport[] = [];
    try {
      await this.group.take(
        entry,
        async (received) =>
          new Map([...(await this.#noteAll(received, entry, told)), ...this.#reports.records(told), ...progress]),
      );
      this.#reports.add(told);
      if (entry.kind !== 'message') this.changed.set([]);
    } catch (error) {
      if (!(error instanceof HawserError) || error.code === 'MLS_NOT_SAVED' || error.retry || isOfVault(error)) {
        // What is shown may be ahead of what is stored.
        this.#timeline = await readTimeline(this.#options);
        this.changed.set([]);
        throw error;
      }
      if (entry.kind === 'message') return vault.write(new Map([...this.#gap(entry, error.code), ...progress]));
      // A commit that this device cannot follow: it joins anew, and keeps what it has.
      await vault.write(progress);
      if (entry.kind === 'commit' && error.code !== 'MLS_NOT_MEMBER') await this.group.rejoin();
    }
  }

  /** Lets messages vanish whose time is over. Returns when to call it again, ms since 1970. */
  async expire(): Promise<number | undefined> {
    const { changes, next } = this.#timeline.expire(this.#options.now());
    if (changes.length === 0) return next;
    const stored = this.#stored(changes);
    this.changed.set(changes);
    await this.#options.vault.write(new Map(stored));
    return next;
  }

  /** Resolves when nothing is being sent at this moment. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  close(): void {
    this.#closed = true;
    this.#reports.close();
    this.group.close();
  }

  async #drain(): Promise<void> {
    const { untilConnected, random } = this.#options;
    let failures = 0;
    for (let item = this.#outbox[0]; item && !this.#closed; item = this.#outbox[0]) {
      try {
        await this.#sendOne(item);
        failures = 0;
      } catch (error) {
        // What the person wrote is not to blame.
        if (!(error instanceof HawserError) || (isOfVault(error) && !error.retry)) throw error;
        if (isStale(error)) await this.#encryptAnew(item, error.code);
        else if (!error.retry) await this.#giveUp(item, error.code);
        failures += 1;
        await sleep(backoffMs(failures, random()));
        await untilConnected();
      }
    }
  }

  async #sendOne(item: OutboxItem): Promise<void> {
    const { vault, send, now } = this.#options;
    const { number, message } = item.message ? item : await this.#encrypt(item);
    if (number === undefined || !message) return;
    const { kind } = await this.#contentOf(item, 0); // also where its time is over already
    // Nobody's telephone rings for a receipt, a reaction or an edit.
    const quiet = kind !== 'message' && { quiet: true };
    const { position: order, at } = await send({
      ...{ conversation: this.id, number, message: toBase64Url(message) },
      ...quiet,
    });
    const changes = this.#apply({ type: 'accepted', id: item.id, order, at, now: now() });
    await this.#tellSettings(item, { order, at });
    await vault.write(new Map([...changes, [outboxKey(this.id, item.place), undefined]]));
    this.#outbox.shift();
  }

  /** Tells the senders, or the own devices alone where people are too many for that. */
  async #tell(reports: readonly Report[], also: Changes): Promise<unknown> {
    const { onRead, vault } = this.#options;
    if (this.#options.reports()) return this.say({ kind: 'report', reports }, () => also);
    const placed = reports.flatMap(({ message, status }) => {
      const order = status === 'read' ? this.#timeline.message(message)?.order : undefined;
      return order === undefined ? [] : [{ message, order }];
    });
    const [newest] = placed.toSorted((a, b) => b.order - a.order);
    return newest ? onRead(newest.message, also) : vault.write(also);
  }

  /** It takes a number of the same row as what is stored, so that nothing else may be on its way. */
  async #sendTyping(active: boolean): Promise<void> {
    const { device, send } = this.#options;
    const known = await this.group.loaded();
    if (!known?.isMember || known.hasProposals) return;
    const content = { kind: 'typing', active } as const;
    const { bytes } = await encodeContent(content, { sender: userOfDevice(device), room: this.id });
    const group = await this.group.readyToSend();
    const number = this.#number + 1;
    const message = await group.send(bytes, undefined, () => new Map([[numberKey(this.id), numberBytes(number)]]));
    this.#number = number;
    await send({ conversation: this.id, number, message: toBase64Url(message) });
  }

  /** Encrypts with the keys of now; the result is stored with them, since they cannot make it again. */
  async #encrypt(item: OutboxItem): Promise<OutboxItem> {
    const group = await this.group.readyToSend();
    const number = item.number ?? this.#number + 1;
    let encrypted = item;
    await group.send(item.content, undefined, (message) => {
      encrypted = { ...item, number, message };
      return new Map([
        [outboxKey(this.id, item.place), writeItem(encrypted)],
        [numberKey(this.id), numberBytes(Math.max(number, this.#number))],
      ]);
    });
    this.#number = Math.max(number, this.#number);
    this.#outbox[0] = encrypted;
    return encrypted;
  }

  /** It was encrypted for an epoch that is over, and not accepted: its number is free for another try. */
  async #encryptAnew(item: OutboxItem, code: ErrorCode): Promise<void> {
    const { vault } = this.#options;
    if (code === 'MLS_NOT_MEMBER') await this.group.rejoin();
    if (!this.#outbox[0]?.message) return;
    const { message: _stale, ...plain } = this.#outbox[0];
    await vault.write(new Map([[outboxKey(this.id, item.place), writeItem(plain)]]));
    this.#outbox[0] = plain;
  }

  async #giveUp(item: OutboxItem, code: ErrorCode): Promise<void> {
    this.#outbox.shift();
    await this.#tellSettings(item, { at: this.#options.now() });
    const changes = this.#apply({ type: 'failed', id: item.id, code });
    await this.#options.vault.write(new Map([...changes, [outboxKey(this.id, item.place), undefined]]));
  }

  async #tellSettings(item: OutboxItem, place: { readonly order?: number; readonly at: number }): Promise<void> {
    const { device, onSettings } = this.#options;
    const content = await this.#contentOf(item, place.at);
    const sender = userOfDevice(device);
    if (content.kind === 'settings') await onSettings({ id: item.id, sender, device, content, ...place });
  }

  async #contentOf({ content }: OutboxItem, at: number): Promise<Content> {
    const origin = { sender: userOfDevice(this.#options.device), room: this.id };
    return (await decodeContent(content, origin, at)).content;
  }

  /** @param told where to put what the senders are to be told of */
  async #noteAll(
    received: readonly Received[],
    entry: Entry,
    told: OwnReport[],
  ): Promise<[string, Uint8Array | undefined][]> {
    const changes: [string, Uint8Array | undefined][] = [];
    if (entry.kind === 'notice') {
      const { position: order, at } = entry;
      changes.push(
        ...this.#apply({ type: 'noticed', notice: { order, at, change: parseNotice(entry.payload).change } }),
      );
    }
    for (const each of received) {
      if (each.kind === 'message') changes.push(...(await this.#note(each, entry, told)));
      else if (each.kind === 'dropped') changes.push(...this.#gap(entry, each.code));
    }
    return changes;
  }

  async #note(received: Received & { kind: 'message' }, entry: Entry, told: OwnReport[]) {
    const { now } = this.#options;
    const { user, device } = received.sender.identity;
    try {
      const origin = { sender: user, room: this.id };
      const { id, content } = await decodeContent(received.content, origin, entry.at);
      if (content.kind === 'typing') {
        // What waited in the queue for longer says nothing about now.
        if (now() - entry.at < TYPING_LASTS) this.#noteTyping(user, content.active);
        return [];
      }
      const said = { id, sender: user, device, order: entry.position, at: entry.at, content };
      if (content.kind === 'compared' && user === this.#timeline.reader.self) {
        await this.#options.onCompared(device, content);
      }
      if (content.kind === 'settings' && user === this.#timeline.reader.self) await this.#options.onSettings(said);
      if (content.kind === 'message' && user !== this.#timeline.reader.self) {
        this.#noteTyping(user, false);
        if (this.#options.reports()) told.push({ message: id, status: 'delivered' });
      }
      const isNew = content.kind === 'message' && this.#timeline.get(keys.message(id)) === undefined;
      const heard = isNew && user !== this.#timeline.reader.self ? this.#options.onHeard?.(said) : undefined;
      return [...this.#apply({ type: 'received', said, now: now() }), ...(heard ?? [])];
    } catch (error) {
      if (!(error instanceof HawserError)) throw error;
      return this.#gap(entry, error.code, device);
    }
  }

  #noteTyping(user: UserId, active: boolean): void {
    if (user === userOfDevice(this.#options.device)) return;
    this.typing.set(withTyping(this.typing.state, user, active, this.#options.now()));
  }

  #gap(entry: Entry, code: ErrorCode, sender = entry.sender) {
    const reason = GAPS[code] ?? (code.startsWith('CONTENT_') ? 'not-understood' : 'damaged');
    const gap = { order: entry.position, at: entry.at, reason, code, ...(sender && { sender: userOfDevice(sender) }) };
    return this.#apply({ type: 'unreadable', gap });
  }

  #apply(event: TimelineEvent): [string, Uint8Array | undefined][] {
    const { changes } = this.#timeline.apply(event);
    if (changes.length > 0) this.changed.set(changes);
    return this.#stored(changes);
  }

  #stored(changes: readonly Change[]): [string, Uint8Array | undefined][] {
    return changes.map(({ key, record }) => [`${timelinePrefix(this.id)}${key}`, record && recordBytes(record)]);
  }
}

async function readTimeline({ vault, conversation, device }: ConversationMessagesOptions): Promise<Timeline> {
  const records = [...(await vault.list(timelinePrefix(conversation))).values()].map(recordFrom);
  return new Timeline(
    { self: userOfDevice(device), conversation },
    records.filter((record) => record !== undefined),
  );
}

/** Whether the hub took something that this device said. */
function hasSaid(timeline: Timeline, device: DeviceId): boolean {
  for (const record of timeline.records()) {
    if (record.kind === 'message' && record.device === device && record.order !== undefined) return true;
  }
  return false;
}

function timelinePrefix(conversation: ConversationId): string {
  return `timeline/${conversation}/`;
}

function numberKey(conversation: ConversationId): string {
  return `number/${conversation}`;
}

function numberBytes(number: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, number);
  return bytes;
}

/** Encrypted too early, or too late: with the keys of now it can be taken. */
function isStale({ code }: HawserError): boolean {
  return code === 'MLS_EPOCH_PAST' || code === 'MLS_NOT_MEMBER' || code === 'MLS_PROPOSALS_PENDING';
}

/** The storage of this device failed, which says nothing about what was sent or received. */
function isOfVault({ code }: HawserError): boolean {
  return code.startsWith('VAULT_');
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
