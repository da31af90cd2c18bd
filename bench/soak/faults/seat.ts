/** One device: a messenger of the SDK on a vault in memory. It does what it is asked to, notes what it is told, and says what it holds. */
import { Account } from '#client/account.ts';
import type { MessageId } from '#client/content/message-id.ts';
import type { ConversationMessages } from '#client/messages/conversation.ts';
import type { Change, MessageRecord, TimelineRecord } from '#client/messages/records.ts';
import type { Timeline } from '#client/messages/timeline.ts';
import { Messenger } from '#client/messenger.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import type { Group } from '#mls/group.ts';
import { nodeEngine } from '#mls/node-engine.ts';
import type { CallTicket, Conversation } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import type { NoticeChange } from '#signalling/notice.ts';
import { until } from '#signalling/testing-until.ts';
import { oneOf } from '../kills/plan.ts';
import { PASSWORD } from '../stage.ts';
import type { Held, Notice, Saying, View } from './checker.ts';
import type { Recorder } from './recorder.ts';
import type { Deed } from './schedule.ts';

export interface SeatOptions {
  readonly label: string;
  readonly person: string;
  readonly url: string;
  readonly handle: string;
  /** Until it begins with a schedule. */
  readonly recorder: Recorder;
  /** It has the ticket to a call. */
  readonly onTicket: (ticket: CallTicket) => void;
}

/** While the homeserver does not answer. */
const AGAIN_MS = 100;
/** Each is work, and a device comes into two or three rooms of a schedule; where fewer than 25 are left it brings as many again. */
const KEY_PACKAGES = 39;

export class Seat {
  readonly label: string;
  readonly person: string;
  readonly #options: SeatOptions;
  /** What the program that runs has; and what the one before it left, in the moment in which it ended. */
  #vault = new MemoryVault();
  #left: ReturnType<MemoryVault['list']> = Promise.resolve(new Map());
  readonly #watched = new Map<ConversationId, () => void>();
  #recorder: Recorder;
  #account: Account | undefined;
  #messenger: Messenger | undefined;
  #clockMs = 0;

  constructor(options: SeatOptions) {
    this.label = options.label;
    this.person = options.person;
    this.#options = options;
    this.#recorder = options.recorder;
  }

  /** @throws Error where it is not signed in, or away */
  get messenger(): Messenger {
    if (!this.#messenger) throw new Error(`${this.label} is away`);
    return this.#messenger;
  }

  get handle(): string {
    return this.#options.handle;
  }

  get isThere(): boolean {
    return this.#messenger !== undefined;
  }

  get user(): UserId {
    return this.messenger.device.user;
  }

  /** ms; 0 where it goes as ours. */
  setClock(byMs: number): void {
    this.#clockMs = byMs;
  }

  /** What it says, is told and holds is noted there from now on; what was before is over. */
  begin(recorder: Recorder): void {
    for (const stop of this.#watched.values()) stop();
    this.#watched.clear();
    this.#recorder = recorder;
    this.#name(this.messenger);
  }

  /** Signs in, as soon as that can be; with the same vault as the last time. */
  async come(signal: AbortSignal): Promise<void> {
    const { url, handle, label } = this.#options;
    const account = new Account(url);
    this.#account = account;
    const vault = new MemoryVault();
    await vault.write(await this.#left);
    this.#vault = vault;
    await whenReachable(() => account.signIn(handle, PASSWORD), signal);
    const onFault = (error: unknown) => {
      if (error instanceof HawserError) this.#recorder.trouble(label, error);
      else this.#recorder.fault(label, error);
    };
    const now = () => Date.now() + this.#clockMs;
    const quick = { engine: nodeEngine, keyPackages: KEY_PACKAGES };
    const open = () => Messenger.open({ account, vault, deviceName: label, onFault, now, ...quick });
    const messenger = await whenReachable(open, signal);
    if (signal.aborted) return messenger.close();
    this.#messenger = messenger;
    this.#name(messenger);
    for (const room of this.#recorder.rooms) await this.watch(room);
  }

  /** Ends the program. What it has written stays; what it is still about is not written any more, as when a process ends. */
  go(): void {
    if (this.#messenger) this.#left = this.#vault.list('');
    this.#vault.close().catch(() => undefined);
    this.#messenger?.close();
    this.#account?.[Symbol.dispose]();
    this.#messenger = undefined;
    this.#watched.clear();
  }

  /** Notes from now on what is said in a conversation. */
  async watch(room: ConversationId): Promise<void> {
    if (this.#watched.has(room)) return;
    const messages = await this.messenger.messages(room);
    this.#watched.set(
      room,
      messages.changed.subscribe((changes) => this.#hear(room, messages, changes)),
    );
  }

  /** Resolves when it is in the group. */
  async join(room: ConversationId): Promise<void> {
    await this.listed(room);
    await (await this.messenger.messages(room)).group.ready();
  }

  /** As an application does that follows all conversations: where whoever added this person was cut short, it joins by itself. */
  async comeIn(room: ConversationId): Promise<void> {
    if (!this.find(room) || (await this.group(room))) return;
    const { group } = await this.messenger.messages(room);
    await group.ready().catch((error: unknown) => {
      if (error instanceof HawserError) this.#recorder.trouble(this.label, error);
      else this.#recorder.fault(this.label, error);
    });
  }

  /** Resolves when it has a conversation in its list. */
  async listed(room: ConversationId): Promise<void> {
    await until(() => this.find(room), `${this.label} has the conversation`, 20_000);
  }

  find(room: ConversationId): Conversation | undefined {
    return this.#messenger?.home.store.state.conversations.find(({ conversation }) => conversation === room);
  }

  /** Its keys; undefined where it is not in the group. */
  async group(room: ConversationId): Promise<Group | undefined> {
    const group = await (await this.messenger.messages(room)).group.loaded();
    return group?.isMember ? group : undefined;
  }

  /** Does something of a schedule. @throws HawserError where it is refused or fails; Error where it is away */
  async do(room: ConversationId, deed: Deed, userOf: (person: string) => UserId): Promise<void> {
    const { messenger } = this;
    const { home } = messenger;
    switch (deed.what) {
      case 'write':
        return this.write(room, 'message');
      case 'edit':
      case 'delete':
      case 'react': {
        const { timeline } = await messenger.messages(room);
        const all = [...timeline.records()].filter((record) => record.kind === 'message');
        const shown = all.filter(({ ending }) => ending === undefined);
        const own = shown.filter(({ sender }) => sender === this.user);
        const among = deed.what === 'react' ? shown.filter(({ order }) => order !== undefined) : own;
        if (among.length === 0) return;
        const saying = ({ edit: 'edit', delete: 'delete', react: 'reaction' } as const)[deed.what];
        return this.write(room, saying, oneOf(among, deed.which).id);
      }
      case 'add':
        await messenger.addMember(room, userOf(deed.person));
        return;
      case 'remove':
        await messenger.removeMember(room, userOf(deed.person));
        return;
      case 'leave':
        return messenger.leave(room);
      case 'rename':
        await messenger.changeTitle(room, `${this.label} ${this.#recorder.next()}`);
        return;
      case 'start call':
        this.#options.onTicket(await home.startCall(room));
        return;
      case 'end call':
        return home.endCall(room);
    }
  }

  /** Says something about whatever is there, or something new where nothing is. */
  async lastWord(room: ConversationId): Promise<void> {
    const { timeline } = await this.messenger.messages(room);
    const shown = [...timeline.records()].find(
      (record) => record.kind === 'message' && record.ending === undefined && record.order !== undefined,
    );
    return shown?.kind === 'message' ? this.write(room, 'reaction', shown.id) : this.write(room, 'message');
  }

  async write(room: ConversationId, saying: Saying, target?: MessageId): Promise<void> {
    const recorder = this.#recorder;
    const text = { kind: 'text', text: { format: 'plain', text: `${this.label}/${recorder.next()}` } } as const;
    const say = (id: MessageId) => recorder.say({ id, room, device: this.label, saying, target });
    if (saying === 'message') say(await this.messenger.say(room, { kind: 'message', body: text }));
    else if (target === undefined) return;
    else if (saying === 'edit') say(await this.messenger.say(room, { kind: 'edit', target, body: text }));
    else if (saying === 'delete') say(await this.messenger.say(room, { kind: 'delete', target }));
    else say(await this.messenger.say(room, { kind: 'reaction', target, emojis: ['🚢'] }));
  }

  /** What it holds of a room; and how what it said stands is noted. */
  async view(room: ConversationId): Promise<View> {
    const recorder = this.#recorder;
    const { group, timeline } = await this.messenger.messages(room);
    const records = [...timeline.records()];
    for (const record of records) {
      if (record.kind !== 'outgoing') continue;
      const { sending, said } = record;
      recorder.stands(
        said.id,
        sending.state === 'failed' ? 'failed' : 'waits',
        'code' in sending ? sending.code : undefined,
      );
    }
    const held = records.flatMap((record) => heldIn(record, timeline));
    for (const { id, order } of held) if (order !== undefined) recorder.accepted(id, this.label);
    const keys = await group.loaded();
    const listed = this.find(room);
    return {
      device: this.label,
      person: this.person,
      room,
      held: held.map(({ device, ...rest }) => ({ ...rest, ...(device && { device: recorder.labelOf(device) }) })),
      notices: records.flatMap((record) => (record.kind === 'notice' ? [this.#notice(record)] : [])),
      gaps: records.flatMap((record) => {
        if (record.kind !== 'gap') return [];
        const { order, reason, code, sender } = record;
        return [{ order, why: `${reason} ${code}`, ...(sender && { of: recorder.labelOf(sender) }) }];
      }),
      waiting: records.flatMap((record) => {
        if (record.kind !== 'waiting' || record.said.content.kind === 'report') return [];
        return [{ id: record.said.id, target: record.target }];
      }),
      ...(keys?.isMember && {
        group: {
          id: listed?.group ?? '',
          epoch: `${keys.epoch}`,
          devices: keys.members.map(({ identity }) => recorder.labelOf(identity.device)),
          isSettled: !keys.hasProposals && keys.pending === undefined,
        },
      }),
      ...(listed && { listed: this.#listedAs(listed) }),
    };
  }

  /** Whether something of it is still to be sent. */
  async isSending(room: ConversationId): Promise<boolean> {
    return (await this.messenger.messages(room)).isSending;
  }

  #name({ device }: Messenger): void {
    this.#recorder.name(device.user, this.person);
    this.#recorder.name(device.id, this.label);
  }

  #listedAs({ title, members, group, call }: Conversation): NonNullable<View['listed']> {
    const recorder = this.#recorder;
    const label = (user: UserId) => recorder.labelOf(user);
    const callers = call?.members.map(({ user, participant }) => `${label(user)} ${participant}`).sort();
    return {
      title,
      members: members.map(({ user, role }) => `${label(user)} ${role}`).sort(),
      ...(group !== undefined && { group }),
      ...(call && { call: `${call.conference}: ${callers?.join(', ')}` }),
    };
  }

  #notice({ order, change }: Extract<TimelineRecord, { kind: 'notice' }>): Notice {
    return { order, type: change.type, who: this.#about(change) };
  }

  #about(change: NoticeChange): string {
    if (change.type === 'title') return change.title;
    return change.type === 'parted' || change.type === 'undelivered'
      ? change.domain
      : this.#recorder.labelOf(change.who.user);
  }

  #hear(room: ConversationId, { group, timeline }: ConversationMessages, changes: readonly Change[]): void {
    const { label } = this;
    const recorder = this.#recorder;
    const news = changes.flatMap(({ record }) => (record ? heldIn(record, timeline) : []));
    for (const { id, order, device } of news) {
      if (order === undefined) continue;
      if (recorder.accepted(id, label) || device === this.#messenger?.device.id) continue;
      if (!recorder.isFirst(room, id, label)) continue;
      const sample = group.loaded().then((keys) => {
        // Whose removal is proposed gets nothing any more, and is in until somebody has committed it.
        const staying = keys?.members.filter(({ leafIndex }) => !keys.leaving.has(leafIndex));
        const devices = staying?.map(({ identity }) => identity.device) ?? [];
        recorder.sample({ room, id, by: label, devices });
      });
      sample.catch(() => undefined); // its vault was closed: another device knows
    }
  }
}

function heldIn(record: TimelineRecord, timeline: Timeline): Held[] {
  switch (record.kind) {
    case 'message':
      return heldOf(record);
    case 'waiting': {
      const { id, order, device, content } = record.said;
      const saying = SAYINGS[content.kind];
      return saying ? [{ id, order, device, saying, target: record.target }] : [];
    }
    case 'ref': {
      const about = timeline.message(record.message);
      const isShown = about && [...about.versions, ...about.reactions].some(({ id }) => id === record.id);
      if (isShown || timeline.get(`outgoing/${record.id}`)) return [];
      return [
        { id: record.id, order: -1, saying: record.as === 'version' ? 'edit' : 'reaction', target: record.message },
      ];
    }
    default:
      return [];
  }
}

const SAYINGS: Readonly<Record<string, Saying>> = { edit: 'edit', reaction: 'reaction', delete: 'delete' };

function heldOf({ id, order, device, versions, reactions, ending }: MessageRecord): Held[] {
  return [
    { id, order, device, saying: 'message' },
    ...versions.map((each): Held => ({ id: each.id, order: each.order, saying: 'edit', target: id })),
    ...reactions.map((each): Held => ({ id: each.id, order: each.order, saying: 'reaction', target: id })),
    ...(ending?.kind === 'deleted'
      ? [{ id: ending.id, order: ending.order, saying: 'delete', target: id } as const]
      : []),
  ];
}

async function whenReachable<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HawserError) || !(error.retry || error.code === 'SIG_INTERNAL')) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}
