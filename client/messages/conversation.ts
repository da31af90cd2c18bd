/**
 * One conversation on this device: what was said in it, and what this device has to say. Everything is stored before it is
 * shown as done: what a person wrote before anything of it leaves, what came together with the keys that read it.
 */

import type { CallAnswer } from '#client/content/call-signal.ts';
import { decodeContent, encodeContent } from '#client/content/codec.ts';
import type { Comparison, Content, Report } from '#client/content/content.ts';
import type { MessageId } from '#client/content/message-id.ts';
import type { Session } from '#client/content/session.ts';
import type { Changes } from '#mls/journal.ts';
import type { Received } from '#mls/step.ts';
import { fromBase64Url } from '#signalling/base64.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { NewMessage, SentMessage } from '#signalling/groups.ts';
import { type ConversationId, type DeviceId, type UserId, userOfDevice } from '#signalling/ids.ts';
import { parseNotice } from '#signalling/notice.ts';
import type { Entry } from '#signalling/queue.ts';
import type { ConversationGroup } from '../groups/conversation-group.ts';
import { Store } from '../store.ts';
import type { Vault } from '../vault/vault.ts';
import { isOfEntry, isOfWay, leavesBehind, reasonOf } from './blame.ts';
import type { TimelineEvent } from './fold.ts';
import type { Ledger, Touched } from './ledger.ts';
import { type Change, type GapReason, keys, recordBytes, recordFrom, type Said } from './records.ts';
import { type OwnReport, Reports } from './reports.ts';
import { Sender } from './sender.ts';
import { Timeline } from './timeline.ts';
import { TYPING_LASTS, type Typing, withTyping } from './typing.ts';

export interface ConversationMessagesOptions {
  readonly conversation: ConversationId;
  readonly device: DeviceId;
  readonly vault: Vault;
  /** Of the same vault, and the same for all conversations in it. */
  readonly ledger: Ledger;
  readonly group: ConversationGroup;
  /** @throws HawserError what the hub answered; anything else where it gave no answer */
  readonly send: (message: NewMessage) => Promise<SentMessage>;
  /** Resolves when it is worth to try again. */
  readonly untilConnected: () => Promise<void>;
  /** Whether the homeserver that orders the conversation is known not to be reachable. */
  readonly isAway?: () => boolean;
  /** Whether senders are told who got and read what they said: in small conversations only. */
  readonly reports: () => boolean;
  /**
   * A setting of some conversation was said by this person in this one: it has a place in the order now, or was refused. What it returns
   * is stored together with that.
   */
  readonly onSettings: (said: Said) => Promise<Changes>;
  /** Where senders are not told: everything up to this message was read. `also` is stored together with telling the own devices. */
  readonly onRead: (upTo: MessageId, also: () => Changes) => Promise<void>;
  /** Another device of this person says in this conversation whom he compared. */
  readonly onCompared: (device: DeviceId, comparison: Comparison) => Promise<void>;
  /** Somebody else said something new; what it returns is stored together with it. */
  readonly onHeard?: (said: Said) => Changes;
  /** A device said something about a call that rings, or somebody began one. @param at when the hub took it, ms since 1970 */
  readonly onCall?: (device: DeviceId, said: CallAnswer | Session, at: number) => void;
  readonly now: () => number;
  readonly random: () => number;
  readonly onFault: (error: unknown) => void;
}

/** What says something, and what has to be said of what was heard. */
interface Parts {
  readonly sender: Sender;
  readonly reports: Reports;
}

export class ConversationMessages implements Touched {
  readonly id: ConversationId;
  readonly group: ConversationGroup;
  /** Who is writing just now. */
  readonly typing = new Store<Typing>(new Map());
  /** What the last step changed in the timeline, once it is stored; empty where the keys changed, or all was read again. */
  readonly changed = new Store<readonly Change[]>([]);
  readonly #options: ConversationMessagesOptions;
  #timeline: Timeline;
  /** What the step of this moment has changed in the timeline. */
  #unstored: Change[] = [];
  readonly #reports: Reports;
  readonly #sender: Sender;

  private constructor(options: ConversationMessagesOptions, timeline: Timeline, parts: Parts) {
    this.id = options.conversation;
    this.group = options.group;
    this.#options = options;
    this.#timeline = timeline;
    this.#sender = parts.sender;
    this.#reports = parts.reports;
  }

  /** @throws HawserError VAULT_DAMAGED */
  static async open(options: ConversationMessagesOptions): Promise<ConversationMessages> {
    const { vault, conversation, onFault, device } = options;
    const timeline = await readTimeline(options);
    let self: ConversationMessages | undefined;
    const sender = await Sender.open(
      {
        ...options,
        apply: (event) => new Map(self ? self.#apply(event) : []),
        contentOf: (id) => (self ? self.#contentOf(id) : undefined),
        settingsOf: async (id, place) => (self ? self.#settingsOf(id, place) : new Map()),
      },
      hasSaid(timeline, device),
    );
    const say = async (reports: readonly Report[], also: () => Changes) => {
      if (self) await self.#tell(reports, also);
    };
    const reports = await Reports.open({ conversation, vault, say, onFault });
    self = new ConversationMessages(options, timeline, { sender, reports });
    return self;
  }

  /** As it is stored, or is about to be. */
  get timeline(): Timeline {
    return this.#timeline;
  }

  /** Whether something waits to be sent. */
  get isSending(): boolean {
    return this.#sender.isSending;
  }

  /**
   * Says something. It is on disk when the promise resolves, shown from then on, and sent once the hub can be reached.
   * @param also stored together with it
   * @throws HawserError of the CONTENT family where it cannot be said, and what the vault throws: then it is neither shown nor sent
   */
  async say(content: Content, also?: (id: MessageId) => Changes): Promise<MessageId> {
    const item = await this.#sender.put(async () => {
      const encoded = await this.#encode(content);
      return { ...encoded, content, also: also?.(encoded.id) };
    });
    if (!item) throw new TypeError('something is said in any case');
    return item.id;
  }

  /** Says once more what the hub refused. It gets another name and a place at the end. */
  async again(id: MessageId): Promise<MessageId | undefined> {
    const item = await this.#sender.put(async () => {
      const content = this.#refused(id);
      if (!content) return undefined;
      const encoded = await this.#encode(content);
      return { ...encoded, content, also: new Map(this.#apply({ type: 'discarded', id })) };
    });
    return item?.id;
  }

  /**
   * Gives up what the hub refused. What waits for the homeserver of another organisation cannot be given up: it may have arrived there.
   */
  async discard(id: MessageId): Promise<void> {
    await this.#options.ledger.write(() => new Map(this.#refused(id) ? this.#apply({ type: 'discarded', id }) : []));
  }

  /** A setting of this conversation that is said in another one, shown until it has its place there. In a step, with what is to be stored. */
  settingQueued(id: MessageId, content: Content & { readonly kind: 'settings' }): Changes {
    const { device, now } = this.#options;
    return new Map(this.#apply({ type: 'queued', id, device, content, now: now() }));
  }

  /** A setting of this conversation that was said in another one, with its place there; without one it was refused. In a step, as above. */
  settingTaken(said: Said): Changes {
    const { order, id } = said;
    const event: TimelineEvent =
      order === undefined
        ? { type: 'discarded', id }
        : { type: 'received', said: { ...said, order }, now: this.#options.now() };
    return new Map(this.#apply(event));
  }

  /** Sends what waits, in order. */
  drain(): void {
    this.#sender.drain();
  }

  /** Everything up to this message was seen. */
  async read(upTo: MessageId): Promise<void> {
    const { ledger, now, reports } = this.#options;
    const told: OwnReport[] = [];
    await ledger.write(
      () => {
        const before = this.#mark;
        const changes = this.#apply({ type: 'read', upTo, now: now() });
        const seen = [...this.#timeline.between(before, this.#mark)].filter(
          ({ sender }) => sender !== this.#timeline.reader.self,
        );
        for (const { id } of reports() ? seen : seen.slice(-1)) told.push({ message: id, status: 'read' });
        return new Map([...changes, ...this.#reports.records(told)]);
      },
      () => this.#reports.add(told),
    );
  }

  /** Tells the others that this person writes, or has stopped: in the next seconds or never. */
  tellTyping(active: boolean): void {
    this.#sender.tellTyping(active);
  }

  /** Up to where it was read. */
  get #mark(): number {
    const mark = this.#timeline.get(keys.mark);
    return mark?.kind === 'mark' ? mark.order : Number.NEGATIVE_INFINITY;
  }

  /**
   * Takes what the homeserver delivered.
   * @param progress stored together with what comes of it
   * @param mayWait whether it throws where another organisation has to be asked and does not answer; else it goes on without
   */
  async take(entry: Entry, progress: Changes, mayWait = true): Promise<void> {
    if (entry.kind === 'sent' || entry.kind === 'refused') return this.#sender.takeOutcome(entry, progress);
    const { ledger } = this.#options;
    const told: OwnReport[] = [];
    let end: Awaited<ReturnType<Ledger['begin']>> | undefined;
    try {
      await this.group.take(entry, async (received) => {
        const isShown =
          entry.kind === 'notice' || received.some(({ kind }) => kind === 'message' || kind === 'dropped');
        if (!isShown) return progress;
        end = await ledger.begin();
        const changes = await this.#noteAll(received, entry, told);
        return new Map([...changes, ...this.#reports.records(told), ...progress]);
      });
      this.#reports.add(told);
      await end?.('stored');
      if (entry.kind !== 'message') this.changed.set([]);
    } catch (error) {
      await end?.('lost');
      if (!isOfEntry(error) && (mayWait || !isOfWay(error))) throw error;
      // Before it is said to be taken: where it cannot join now, it has to be told once more.
      if (mayWait && (this.group.isBroken || leavesBehind(entry, error))) await this.#rejoin();
      const reason = entry.kind === 'message' ? await this.#reasonOf(entry, error.code) : undefined;
      await ledger.write(() => new Map([...(reason ? this.#gap(entry, error.code, reason) : []), ...progress]));
    }
  }

  /** Lets messages vanish whose time is over. Returns when to call it again, ms since 1970. */
  async expire(): Promise<number | undefined> {
    const { ledger, now } = this.#options;
    let next: number | undefined;
    await ledger.write(() => {
      const expired = this.#timeline.expire(now());
      next = expired.next;
      return new Map(this.#note(expired.changes));
    });
    return next;
  }

  /** Resolves when nothing is being sent at this moment. */
  async idle(): Promise<void> {
    await this.#sender.idle();
  }

  close(): void {
    this.#sender.close();
    this.#reports.close();
    this.group.close();
  }

  stored(): void {
    const changes = this.#unstored;
    this.#unstored = [];
    if (changes.length === 0) return;
    try {
      this.changed.set(changes);
    } catch (error) {
      // It is stored, whatever somebody makes of it.
      this.#options.onFault(error);
    }
  }

  async lost(): Promise<void> {
    this.#unstored = [];
    try {
      this.#timeline = await readTimeline(this.#options);
      this.changed.set([]);
    } catch (error) {
      // Then nothing of what is stored can be had, and whoever wrote is told why.
      if (!(error instanceof HawserError)) throw error;
    }
  }

  /** Tells the senders, or the own devices alone where people are too many for that. */
  async #tell(reports: readonly Report[], also: () => Changes): Promise<unknown> {
    const { onRead, ledger } = this.#options;
    if (this.#options.reports()) return this.say({ kind: 'report', reports }, also);
    const placed = reports.flatMap(({ message, status }) => {
      const order = status === 'read' ? this.#timeline.message(message)?.order : undefined;
      return order === undefined ? [] : [{ message, order }];
    });
    const [newest] = placed.toSorted((a, b) => b.order - a.order);
    return newest ? onRead(newest.message, also) : ledger.write(also);
  }

  /** Where a setting was said: what becomes of it in the conversation that it is about. */
  async #settingsOf(id: MessageId, place: { readonly order?: number; readonly at: number }): Promise<Changes> {
    const { device, onSettings } = this.#options;
    const content = this.#contentOf(id);
    if (content?.kind !== 'settings') return new Map();
    return onSettings({ id, sender: userOfDevice(device), device, content, ...place });
  }

  /** Undefined for reports and the like, which are not shown while they wait. */
  #contentOf(id: MessageId): Content | undefined {
    const outgoing = this.#timeline.get(keys.outgoing(id));
    return outgoing?.kind === 'outgoing' ? outgoing.said.content : undefined;
  }

  /** Joins the group anew. @throws HawserError where that is to be tried once more; else this device is out, and what comes goes on */
  async #rejoin(): Promise<void> {
    try {
      await this.group.rejoin('entry');
    } catch (error) {
      if (!isOfEntry(error) || error.code === 'MLS_EPOCH_PAST') throw error;
      this.#options.onFault(error);
    }
  }

  /** What the hub refused. */
  #refused(id: MessageId): Content | undefined {
    const outgoing = this.#timeline.get(keys.outgoing(id));
    return outgoing?.kind === 'outgoing' && outgoing.sending.state === 'failed' ? outgoing.said.content : undefined;
  }

  async #encode(content: Content): Promise<{ readonly id: MessageId; readonly bytes: Uint8Array }> {
    const { device, now } = this.#options;
    return encodeContent(content, { sender: userOfDevice(device), room: this.id }, { now: now() });
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
      const { change } = parseNotice(entry.payload);
      // Of a call nothing is said here.
      if (change.type !== 'callEnded') changes.push(...this.#apply({ type: 'noticed', notice: { order, at, change } }));
    }
    for (const each of received) {
      if (each.kind === 'message') changes.push(...(await this.#noteOne(each, entry, told)));
      else if (each.kind === 'dropped') changes.push(...this.#gap(entry, each.code, reasonOf(each.code)));
    }
    return changes;
  }

  async #noteOne(received: Received & { kind: 'message' }, entry: Entry, told: OwnReport[]) {
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
      if (content.kind === 'call') this.#options.onCall?.(device, content, entry.at);
      if (content.kind === 'message' && content.body.kind === 'session')
        this.#options.onCall?.(device, content.body, entry.at);
      if (content.kind === 'compared' && user === this.#timeline.reader.self) {
        await this.#options.onCompared(device, content);
      }
      const isSettings = content.kind === 'settings' && user === this.#timeline.reader.self;
      const settings = isSettings ? await this.#options.onSettings(said) : [];
      if (content.kind === 'message' && user !== this.#timeline.reader.self) {
        this.#noteTyping(user, false);
        if (this.#options.reports()) told.push({ message: id, status: 'delivered' });
      }
      const isNew = content.kind === 'message' && this.#timeline.get(keys.message(id)) === undefined;
      const heard = isNew && user !== this.#timeline.reader.self ? this.#options.onHeard?.(said) : undefined;
      return [...settings, ...this.#apply({ type: 'received', said, now: now() }), ...(heard ?? [])];
    } catch (error) {
      if (!(error instanceof HawserError)) throw error;
      return this.#gap(entry, error.code, reasonOf(error.code), device);
    }
  }

  #noteTyping(user: UserId, active: boolean): void {
    if (user === userOfDevice(this.#options.device)) return;
    this.typing.set(withTyping(this.typing.state, user, active, this.#options.now()));
  }

  /** Somebody who came back has no keys of before, and never had those of the time between. */
  async #reasonOf({ payload }: Entry, code: ErrorCode): Promise<GapReason> {
    const message = code === 'MLS_EPOCH_PAST' ? fromBase64Url(payload) : undefined;
    return message && (await this.group.marks.isOlder(message)) ? 'before-joining' : reasonOf(code);
  }

  #gap(entry: Entry, code: ErrorCode, reason: GapReason, sender = entry.sender) {
    const gap = { order: entry.position, at: entry.at, reason, code, ...(sender && { sender: userOfDevice(sender) }) };
    return this.#apply({ type: 'unreadable', gap });
  }

  /** In a step. @returns what is to be stored */
  #apply(event: TimelineEvent): [string, Uint8Array | undefined][] {
    return this.#note(this.#timeline.apply(event).changes);
  }

  #note(changes: readonly Change[]): [string, Uint8Array | undefined][] {
    if (changes.length > 0) this.#options.ledger.touch(this);
    this.#unstored.push(...changes);
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
