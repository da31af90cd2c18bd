/**
 * A person's conversations on this device: signs the device in, follows what the homeserver tells and delivers, and holds
 * what was said in each conversation. In a browser and in Node alike.
 */
import { Credentials } from '#mls/credentials.ts';
import type { Engine } from '#mls/engine.ts';
import type { Changes } from '#mls/journal.ts';
import type { GivenRole } from '#signalling/capabilities.ts';
import type { CallTicket, Conversation, HomeEvent } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import {
  type ConversationId,
  callRoomOf,
  conferenceIn,
  conversationIn as conversationOfRoom,
  type DeviceId,
  domainOf,
  type GroupId,
  isOfCall,
  type UserId,
} from '#signalling/ids.ts';
import { type Entry, parseRefused, parseSent } from '#signalling/queue.ts';
import type { Account } from './account.ts';
import { Calls } from './calls/calls.ts';
import type { CallSignal } from './content/call-signal.ts';
import type { Comparison, Content, Settings } from './content/content.ts';
import type { MessageId } from './content/message-id.ts';
import { callUrl } from './content/session.ts';
import { Device } from './device/device.ts';
import { OwnDevices } from './device/own-devices.ts';
import { devicesIn, Verification } from './device/verification.ts';
import type { Dial } from './dial.ts';
import { Authorities } from './groups/authorities.ts';
import { CallGroups, type CallKeys } from './groups/call-groups.ts';
import { ConversationGroup, type Membership } from './groups/conversation-group.ts';
import { GroupApi, untilTaken } from './groups/group-api.ts';
import { conversationsIn } from './groups/join-marks.ts';
import { conversationIn, whoseGroup } from './groups/whose-group.ts';
import { type Heard, HeardMessages } from './heard.ts';
import { Home } from './home.ts';
import { Inbox } from './inbox.ts';
import { ConversationMessages } from './messages/conversation.ts';
import { Ledger } from './messages/ledger.ts';
import { ParkedEntries } from './messages/parked.ts';
import type { Said } from './messages/records.ts';
import { MAX_REPORTING } from './messages/reports.ts';
import { findOwnConversation, isOwnConversation, OWN_CONVERSATION } from './own-conversation.ts';
import type { Vault } from './vault/vault.ts';

export interface MessengerOptions {
  /** Signed in. */
  readonly account: Account;
  readonly vault: Vault;
  /** What people call this device: `Firefox on Linux`. */
  readonly deviceName: string;
  readonly dial?: Dial;
  /** As in `DeviceOptions`. */
  readonly keyPackages?: number;
  /** As in `ConversationGroupOptions`. */
  readonly engine?: Engine;
  /** Whether what others say is kept until a program took it with `heard`. A device that people look at needs no such thing. */
  readonly hears?: boolean;
  /** ms since 1970 */
  readonly now?: () => number;
  /** 0 to 1 */
  readonly random?: () => number;
  /** Something that has no code failed; it is tried again where it can be. */
  readonly onFault?: (error: unknown) => void;
}

/** What is read from the vault. */
interface Parts {
  readonly device: Device;
  readonly calls: Calls;
  readonly inbox: Inbox;
  readonly verification: Verification;
  readonly heard: HeardMessages | undefined;
  readonly parked: ParkedEntries;
}

/** Time between looks at what ends: certificates, key packages, lists. ms */
const MAINTAIN_MS = 3_600_000;
/** After an entry could not be stored, the connection is made again. ms */
const AGAIN_MS = 2_000;

export class Messenger {
  readonly device: Device;
  readonly #calls = new CallGroups((room) => {
    const { call } = this.#find(conversationOfRoom(room)) ?? {};
    return call?.conference === conferenceIn(room) ? call?.group : undefined;
  });
  readonly home: Home;
  /** All devices of this person. */
  readonly devices: OwnDevices;
  /** Whose devices were compared, on this device or on another own one. */
  readonly verification: Verification;
  /** Who called, who answered, and what came of it. */
  readonly calls: Calls;
  readonly #options: Required<Omit<MessengerOptions, 'dial' | 'keyPackages' | 'engine'>>;
  readonly #engine: Engine | undefined;
  readonly #api: GroupApi;
  readonly #authorities: Authorities;
  readonly #credentials: Credentials;
  readonly #ledger: Ledger;
  readonly #conversations = new Map<ConversationId, Promise<ConversationMessages>>();
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  readonly #closed = new AbortController();
  readonly #heard: HeardMessages | undefined;
  readonly #inbox: Inbox;
  /** What cannot be taken yet. */
  readonly #parked: ParkedEntries;
  #own: Promise<ConversationId> | undefined;
  /** How often it was asked whose group an entry is of. */
  #asked = { position: 0, times: 0 };

  private constructor(options: MessengerOptions, { device, calls, inbox, verification, heard, parked }: Parts) {
    const { account, vault, dial } = options;
    // What ends in the middle because the program closed it, and its vault after it, was not stored: it comes once more.
    const onFault = (error: unknown) => void (this.#closed.signal.aborted || options.onFault?.(error));
    this.#options = { now: Date.now, random: Math.random, hears: false, ...options, onFault };
    this.#engine = options.engine;
    this.#ledger = new Ledger(vault);
    this.device = device;
    this.verification = verification;
    this.calls = calls;
    this.#heard = heard;
    this.#inbox = inbox;
    this.#parked = parked;
    this.#api = new GroupApi(account);
    this.#authorities = new Authorities(this.#api, this.#options.now);
    this.#credentials = new Credentials(this.#authorities.of, options.engine);
    this.devices = new OwnDevices({ account, vault, self: device.id });
    this.home = new Home({ account, inbox, onEvent: (event) => this.#hear(event), ...(dial && { dial }) });
    this.#every(MAINTAIN_MS, () => this.#maintain());
    this.home.store.subscribe(({ connected }) => connected && this.verification.tellWaiting());
    this.home.store.subscribe(({ ready, conversations }) => ready && calls.follow(conversations));
    let away = this.home.store.state.organisations;
    this.home.store.subscribe(({ organisations }) => {
      if (organisations === away) return;
      away = organisations;
      parked.retry();
    });
  }

  /** @throws HawserError HOME_TOO_MANY_DEVICES, HOME_DEVICE_GONE, and what the vault throws */
  static async open(options: MessengerOptions): Promise<Messenger> {
    const { account, vault, deviceName: name, now, keyPackages } = options;
    const device = await Device.open({
      account,
      vault,
      name,
      ...(now && { now }),
      ...(keyPackages && { keyPackages }),
    });
    const { promise, resolve } = Promise.withResolvers<Messenger>();
    const inbox = await Inbox.open({
      vault,
      take: async (entry, progress) => (await promise).#take(entry, progress),
      onTrouble: async (error) => (await promise).#onTrouble(error),
    });
    const verification = await Verification.open(vault, async (comparison, also) =>
      (await promise).#tellCompared(comparison, also),
    );
    const say = async (conversation: ConversationId, content: Content, also: () => Changes) =>
      (await (await promise).messages(conversation)).say(content, also);
    const heard = options.hears ? await HeardMessages.open(vault, say) : undefined;
    const parked = await ParkedEntries.open({
      vault,
      own: domainOf(device.user),
      take: async (...parts) => (await promise).#takeIn(...parts),
      untilConnected: async () => (await promise).#untilConnected(),
      random: options.random ?? Math.random,
      onFault: async (error) => (await promise).#options.onFault(error),
    });
    const calls = await Calls.open(vault, {
      self: device.id,
      silence: async (conversation) => (await promise).home.decline(conversation),
      now: now ?? Date.now,
      onFault: async (error) => (await promise).#options.onFault(error),
    });
    const messenger = new Messenger(options, { device, calls, inbox, verification, heard, parked });
    resolve(messenger);
    await messenger.#resume();
    return messenger;
  }

  /** The messages of a conversation; read from the vault the first time. */
  messages(conversation: ConversationId): Promise<ConversationMessages> {
    const known = this.#conversations.get(conversation);
    if (known) return known;
    const { vault, now, random, onFault } = this.#options;
    const opening = ConversationMessages.open({
      conversation,
      device: this.device.id,
      vault,
      ledger: this.#ledger,
      group: this.#group(conversation),
      send: (message) => this.home.send(message),
      untilConnected: () => this.#untilConnected(),
      isAway: () => this.home.store.state.organisations.has(domainOf(conversation)),
      reports: () => (this.#find(conversation)?.members.length ?? 0) <= MAX_REPORTING,
      onSettings: (said) => this.#takeSettings(said),
      onRead: (upTo, also) => this.#tellRead(conversation, upTo, also),
      onCompared: (by, comparison) => this.#takeCompared(conversation, by, comparison),
      onHeard: (said) => this.#heard?.note(conversation, said) ?? new Map(),
      onCall: (device, said, at) => this.calls.hear(conversation, device, said, at),
      now,
      random,
      onFault,
    });
    this.#conversations.set(conversation, opening);
    opening.catch(() => this.#conversations.delete(conversation));
    return opening;
  }

  /** Says something; it is stored when the promise resolves and sent as soon as that can be. */
  async say(conversation: ConversationId, content: Content): Promise<MessageId> {
    return (await this.messages(conversation)).say(content);
  }

  /**
   * What others said since this device is there, one message after the other, each until the program is done with it: when it
   * answered, or asks for the next one. After a crash it hears what it was not done with once more. Where `hears` was chosen.
   * @param signal ends the listening; closing the messenger does too
   */
  heard(signal?: AbortSignal): AsyncGenerator<Heard, void, undefined> {
    if (!this.#heard) throw new TypeError('the messenger was opened without `hears`');
    return this.#heard.listen(AbortSignal.any([this.#closed.signal, ...(signal ? [signal] : [])]));
  }

  /**
   * Sets something of a conversation on all devices of this person. It is said in a conversation of these devices alone, so
   * that nobody else is told.
   * @throws as `create`
   */
  set(conversation: ConversationId, settings: Settings): Promise<void> {
    return this.#set(conversation, settings, () => new Map());
  }

  /**
   * Makes a conversation and its group, and lets the devices of all in; those of organisations that cannot be asked now, later.
   * @throws as `Home.createConversation`
   */
  async create(title: string, users: readonly UserId[]): Promise<Conversation> {
    const made = await this.home.createConversation(title, users);
    await this.home.refresh();
    const { group } = await this.messages(made.conversation);
    await group.ready();
    await group.addPeople([...users, this.device.user]);
    return made;
  }

  async addMember(conversation: ConversationId, user: UserId): Promise<Conversation> {
    const changed = await this.home.addMember(conversation, user);
    await this.home.refresh();
    await (await this.messages(conversation)).group.addPeople([user]);
    return changed;
  }

  /** Takes somebody out. Whichever device of the others is first renews the keys. @throws as `Home.removeMember` */
  removeMember(conversation: ConversationId, user: UserId): Promise<Conversation> {
    return this.home.removeMember(conversation, user);
  }

  /** @throws as `Home.changeRole` */
  changeRole(conversation: ConversationId, user: UserId, role: GivenRole): Promise<Conversation> {
    return this.home.changeRole(conversation, user, role);
  }

  /** @throws as `Home.changeTitle` */
  changeTitle(conversation: ConversationId, title: string): Promise<Conversation> {
    return this.home.changeTitle(conversation, title);
  }

  /** Goes out of a conversation; what was said stays on the devices of this person. */
  leave(conversation: ConversationId): Promise<void> {
    return this.home.leave(conversation);
  }

  /** Resolves when nothing is being sent or taken at this moment. */
  async idle(): Promise<void> {
    for (const opening of this.#conversations.values()) await (await opening).idle();
  }

  close(): void {
    this.#closed.abort();
    this.#parked.close();
    this.#calls.close();
    for (const timer of this.#timers) clearInterval(timer);
    for (const opening of this.#conversations.values()) opening.then((each) => each.close()).catch(() => undefined);
    this.home.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Says that this person calls, for those who are away now and for his other devices. */
  async announceCall(conversation: ConversationId, { call: { conference } }: CallTicket): Promise<void> {
    const body = { kind: 'session', conference, url: callUrl(conversation, conference), description: '' } as const;
    this.calls.hear(conversation, this.device.id, body, this.#options.now());
    await this.say(conversation, { kind: 'message', body });
  }

  /** Answers to a call that goes on: it does not ring any more, on any device of this person. */
  async answerCall(conversation: ConversationId, signal: CallSignal): Promise<void> {
    const conference = this.#find(conversation)?.call?.conference;
    if (signal !== 'ringing') this.home.decline(conversation);
    if (conference === undefined) return;
    this.calls.said(conference, signal);
    await this.say(conversation, { kind: 'call', conference, signal });
  }

  /**
   * Comes into the group of a call, which it makes where there is none, and hands over its keys from then on: until the call is left.
   * @throws HawserError as `CallGroup.enter`
   */
  async enterCall(conversation: ConversationId, { call, participant }: CallTicket, keys: CallKeys): Promise<void> {
    const group = this.#calls.open({
      ...this.#callSurroundings(conversation),
      ...{ room: callRoomOf(conversation, call.conference), participant },
      onEpoch: (epoch) => keys.addEpoch(epoch),
      onSendWith: (number) => keys.sendWith(number),
      onOut: () => keys.onOut?.(),
      onRoster: (roster) => keys.onRoster?.(roster),
      mayHear: (roster) => keys.mayHear?.(roster) ?? true,
      onHold: () => keys.hold?.(),
    });
    await this.home.refresh();
    await group.enter();
  }

  /** Who may hear this device in a call has changed: see `CallKeys.mayHear`. */
  reconsiderCall(conversation: ConversationId, { call }: CallTicket): Promise<void> {
    return this.#calls.reconsider(callRoomOf(conversation, call.conference));
  }

  /** Makes new keys for everybody in a call that this device is in. @throws HawserError as `CallGroups.renew` */
  renewCallKeys(conversation: ConversationId, { call }: CallTicket): Promise<void> {
    return this.#calls.renew(callRoomOf(conversation, call.conference));
  }

  /** Its keys are forgotten. */
  leaveCall(conversation: ConversationId, { call }: CallTicket): void {
    this.#calls.leave(callRoomOf(conversation, call.conference));
  }

  #callSurroundings(conversation: ConversationId) {
    const { now, random, onFault } = this.#options;
    return {
      ...{ device: this.device, api: this.#api, authorities: this.#authorities, credentials: this.#credentials },
      ...(this.#engine && { engine: this.#engine }),
      membership: (): Membership => {
        const { members = [], call, domains } = this.#find(conversation) ?? {};
        return { members, group: call?.group, ...(domains && { domains }) };
      },
      refreshMembership: () => this.home.refresh(),
      untilTaken: () => untilTaken(this.#api, this.#inbox),
      ...{ now, random, onFault },
    };
  }

  #group(conversation: ConversationId): ConversationGroup {
    const { vault, now, random } = this.#options;
    return new ConversationGroup({
      room: conversation,
      device: this.device,
      vault,
      api: this.#api,
      authorities: this.#authorities,
      credentials: this.#credentials,
      ...(this.#engine && { engine: this.#engine }),
      membership: () => this.#find(conversation) ?? { members: [] },
      refreshMembership: () => this.home.refresh(),
      untilTaken: async () => {
        await untilTaken(this.#api, this.#inbox);
        await this.#parked.reached(conversation);
      },
      now,
      random,
    });
  }

  #find(conversation: ConversationId): Conversation | undefined {
    return this.home.store.state.conversations.find((each) => each.conversation === conversation);
  }

  #ownConversation(): Promise<ConversationId> {
    const find = () => findOwnConversation(this.home.store.state.conversations, this.device.user);
    // While it is made it is known already, and the other devices are not in it yet.
    if (this.#own) return this.#own;
    const known = find();
    if (known) return Promise.resolve(known);
    this.#own = this.create(OWN_CONVERSATION, [])
      .then((made) => find() ?? made.conversation)
      .finally(() => {
        this.#own = undefined;
      });
    return this.#own;
  }

  /** @param also stored together with it */
  async #set(conversation: ConversationId, settings: Settings, also: () => Changes): Promise<void> {
    const about = await this.messages(conversation);
    const own = await this.messages(await this.#ownConversation());
    const content = { kind: 'settings', conversation, settings } as const;
    await own.say(content, (id) => new Map([...about.settingQueued(id, content), ...also()]));
  }

  /** Where the senders are too many to be told, the own devices are. */
  async #tellRead(conversation: ConversationId, readUpTo: MessageId, also: () => Changes): Promise<void> {
    await this.#untilConnected();
    const group = await (await this.messages(conversation)).group.loaded();
    const { id, user } = this.device;
    const isAlone = !group?.members.some(({ identity }) => identity.user === user && identity.device !== id);
    await (isAlone ? this.#ledger.write(also) : this.#set(conversation, { readUpTo }, also));
  }

  async #takeSettings(said: Said): Promise<Changes> {
    const { content } = said;
    if (content.kind !== 'settings' || !this.#find(content.conversation)) return new Map();
    return (await this.messages(content.conversation)).settingTaken(said);
  }

  async #tellCompared(comparison: Comparison, also: () => Changes): Promise<void> {
    const own = await this.messages(await this.#ownConversation());
    await own.say({ kind: 'compared', ...comparison }, also);
  }

  async #takeCompared(conversation: ConversationId, by: DeviceId, comparison: Comparison): Promise<void> {
    const found = this.#find(conversation);
    if (!found || !isOwnConversation(found, this.device.user)) return;
    const group = await (await this.messages(conversation)).group.loaded();
    const seen = group?.isMember ? await devicesIn(group) : [];
    const said = seen.find(({ device }) => device === by);
    const self = seen.find(({ device }) => device === this.device.id);
    if (said && self) await this.verification.take(said, comparison, self);
  }

  async #take(entry: Entry, progress: Changes): Promise<void> {
    const { vault } = this.#options;
    const { group } = entry;
    if (group !== undefined && isOfCall(group)) {
      await this.#calls.take({ ...entry, group });
      return vault.write(progress);
    }
    const conversation = isNamed(entry) ? namedIn(entry) : await this.#conversationOf(entry);
    // Of a conversation that this person has left: there is nobody to tell.
    if (conversation === undefined) return vault.write(progress);
    await this.#parked.take(conversation, entry, progress);
  }

  async #takeIn(conversation: ConversationId, entry: Entry, progress: Changes, mayWait: boolean): Promise<void> {
    await (await this.messages(conversation)).take(entry, progress, mayWait);
    this.#heard?.came();
  }

  async #conversationOf({ group, position }: Entry): Promise<ConversationId | undefined> {
    if (group === undefined) return undefined;
    const asked = this.#asked.position === position ? this.#asked.times : 0;
    this.#asked = { position, times: asked + 1 };
    return whoseGroup(group, position, {
      asked,
      find: () => this.home.store.state.conversations.find((each) => each.group === group)?.conversation,
      refresh: () => this.home.refresh(),
      inVault: async () => this.#parked.conversationOf(group) ?? this.#leftWith(group),
      entries: (after) => this.#api.entries(after),
      own: domainOf(this.device.user),
    });
  }

  /** A conversation that is not in the list any more, and of whose group there still is something here. */
  async #leftWith(group: GroupId): Promise<ConversationId | undefined> {
    for (const conversation of await conversationsIn(this.#options.vault)) {
      if (this.#find(conversation)) continue;
      if ((await (await this.messages(conversation)).group.loaded())?.id === group) return conversation;
    }
    return undefined;
  }

  /** Opens conversations in which something waits to be sent or told since the last time. */
  async #resume(): Promise<void> {
    const { vault } = this.#options;
    const keys = [...(await vault.list('outbox/')).keys(), ...(await vault.list('report/')).keys()];
    const waiting = new Set(keys.map((key) => key.slice(key.indexOf('/') + 1, key.lastIndexOf('/'))));
    for (const conversation of waiting) (await this.messages(conversation as ConversationId)).drain();
    this.#parked.retry();
  }

  #untilConnected(): Promise<void> {
    const { signal } = this.#closed;
    return this.home.store
      .when(({ connected }) => connected || signal.aborted, signal)
      .then(
        () => undefined,
        () => undefined,
      );
  }

  #onTrouble(error: unknown): void {
    this.#options.onFault(error);
    const timer = setTimeout(() => this.home.reconnect(), AGAIN_MS);
    if (typeof timer === 'object') timer.unref?.();
  }

  #hear(event: HomeEvent): void {
    this.devices.hear(event);
    // Its certificate was taken back: the list that is known says nothing of it yet.
    if (event.type === 'deviceRemoved') this.#authorities.forget(domainOf(this.device.user));
    if (event.type === 'keyPackagesLow') this.device.maintain().catch(this.#options.onFault);
  }

  /** What ends is renewed: the certificate, and with it what this device shows in its groups. */
  async #maintain(): Promise<void> {
    await this.device.maintain();
    for (const opening of this.#conversations.values()) await (await opening).group.renew();
  }

  #every(ms: number, work: () => Promise<void>): void {
    const timer = setInterval(() => work().catch(this.#options.onFault), ms);
    if (typeof timer === 'object') timer.unref?.();
    this.#timers.push(timer);
  }
}

/** Whether an entry names its conversation itself, because this person may not be in it any more. */
function isNamed({ kind }: Entry): boolean {
  return kind === 'notice' || kind === 'sent' || kind === 'refused';
}

/** Undefined where it cannot be read: it says nothing then. */
function namedIn({ kind, payload, group }: Entry): ConversationId | undefined {
  if (kind === 'notice') return conversationIn(payload, group);
  try {
    return (kind === 'sent' ? parseSent(payload) : parseRefused(payload)).conversation;
  } catch (error) {
    if (error instanceof HawserError) return undefined;
    throw error;
  }
}
