/** For tests: a whole device of a person in Node, with a vault in memory, on a real homeserver. */

import { Credentials } from '#mls/credentials.ts';
import type { Changes } from '#mls/journal.ts';
import { nodeEngine } from '#mls/node-engine.ts';
import type { Received } from '#mls/step.ts';
import { toBase64Url } from '#signalling/base64.ts';
import { HawserError } from '#signalling/errors.ts';
import {
  type ConversationId,
  callRoomOf,
  conferenceIn,
  conversationIn,
  type GroupId,
  isOfCall,
  type ParticipantId,
  type RoomId,
} from '#signalling/ids.ts';
import { parseNotice } from '#signalling/notice.ts';
import type { Entry } from '#signalling/queue.ts';
import { until } from '#signalling/testing-until.ts';
import { Account } from '../account.ts';
import { Device } from '../device/device.ts';
import { Authorities } from '../groups/authorities.ts';
import { ConversationGroup } from '../groups/conversation-group.ts';
import { GroupApi, untilTaken } from '../groups/group-api.ts';
import { Home } from '../home.ts';
import { Inbox } from '../inbox.ts';
import { MemoryVault } from '../vault/memory.ts';

const NONE: Changes = new Map();

export class TestDevice {
  readonly account: Account;
  readonly vault: MemoryVault;
  readonly device: Device;
  readonly home: Home;
  readonly inbox: Inbox;
  readonly api: GroupApi;
  readonly authorities: Authorities;
  readonly credentials: Credentials;
  /** What was read, in order, as text. */
  readonly heard: string[] = [];
  readonly received: Received[] = [];
  /** All that was delivered. */
  readonly entries: Entry[] = [];
  readonly troubles: string[] = [];
  readonly #groups = new Map<RoomId, ConversationGroup>();
  #numbers = new Map<ConversationId, number>();

  private constructor(account: Account, vault: MemoryVault, device: Device, inbox: Inbox) {
    this.account = account;
    this.vault = vault;
    this.device = device;
    this.inbox = inbox;
    this.api = new GroupApi(account);
    this.authorities = new Authorities(this.api, Date.now);
    this.credentials = new Credentials(this.authorities.of, nodeEngine);
    this.home = new Home({ account, inbox });
  }

  /** @param keyPackages see `DeviceOptions` */
  static async open(
    url: string,
    handle: string,
    password: string,
    vault = new MemoryVault(),
    keyPackages?: number,
  ): Promise<TestDevice> {
    const account = new Account(url);
    await account.signIn(handle, password);
    const device = await Device.open({ account, vault, name: 'Test', ...(keyPackages && { keyPackages }) });
    let self: TestDevice | undefined;
    const inbox = await Inbox.open({
      vault,
      take: async (entry, progress) => {
        while (!self) await new Promise((resolve) => setImmediate(resolve));
        await self.#take(entry, progress);
      },
      onTrouble: (error) => self?.troubles.push(`${error}`),
    });
    self = new TestDevice(account, vault, device, inbox);
    return self;
  }

  /** The group of the call in a conversation, which it starts where there is none. It is not in it before it was asked to be. */
  async enter(conversation: ConversationId): Promise<ConversationGroup> {
    const find = () => this.home.store.state.conversations.find((each) => each.conversation === conversation);
    await this.home.refresh();
    const { call, participant } = await (find()?.call
      ? this.home.callTicket(conversation)
      : this.home.startCall(conversation));
    await this.home.refresh();
    return this.group(callRoomOf(conversation, call.conference), participant);
  }

  /** The same in a program that was started anew: it knows nothing of the group. */
  async enterAnew(conversation: ConversationId): Promise<ConversationGroup> {
    for (const [room, each] of this.#groups) {
      if (conversationIn(room) !== conversation || conferenceIn(room) === undefined) continue;
      each.close();
      this.#groups.delete(room);
    }
    return this.enter(conversation);
  }

  group(room: RoomId, participant?: ParticipantId): ConversationGroup {
    const known = this.#groups.get(room);
    if (known) return known;
    const conversation = conversationIn(room);
    const isCall = conferenceIn(room) !== undefined;
    const group = new ConversationGroup({
      room,
      device: this.device,
      ...(participant && { participant }),
      vault: isCall ? new MemoryVault() : this.vault,
      api: this.api,
      authorities: this.authorities,
      credentials: this.credentials,
      engine: nodeEngine,
      membership: () => {
        const found = this.home.store.state.conversations.find((each) => each.conversation === conversation);
        return { members: found?.members ?? [], group: isCall ? found?.call?.group : found?.group };
      },
      refreshMembership: () => this.home.refresh(),
      untilTaken: () => untilTaken(this.api, this.inbox),
      now: Date.now,
      random: Math.random,
    });
    this.#groups.set(room, group);
    return group;
  }

  async say(conversation: ConversationId, text: string): Promise<void> {
    const group = await this.group(conversation).readyToSend();
    const bytes = await group.send(new TextEncoder().encode(text));
    const number = (this.#numbers.get(conversation) ?? 0) + 1;
    this.#numbers.set(conversation, number);
    await this.home.send({ conversation, number, message: toBase64Url(bytes) });
  }

  /** As a messenger does it: again, until nobody is in the group who should not read it. */
  async says(conversation: ConversationId, text: string): Promise<void> {
    await until(async () => {
      try {
        await this.say(conversation, text);
        return true;
      } catch (error) {
        if (isPending(error)) return false;
        throw error;
      }
    }, text);
  }

  close(): void {
    for (const group of this.#groups.values()) group.close();
    this.home.close();
    this.account[Symbol.dispose]();
  }

  /** Undefined where this device is not in it any more: nothing of it belongs to a conversation. */
  async #callGroup(group: GroupId): Promise<ConversationGroup | undefined> {
    for (const [room, each] of this.#groups) {
      if (conferenceIn(room) === undefined) continue;
      const known = this.home.store.state.conversations.find(({ call }) => call?.group === group);
      if (known?.conversation === conversationIn(room) || (await each.loaded())?.id === group) return each;
    }
    return undefined;
  }

  async #take(entry: Entry, progress: Changes): Promise<void> {
    this.entries.push(entry);
    if (entry.group && isOfCall(entry.group)) {
      const inCall = await this.#callGroup(entry.group);
      await inCall?.take(entry, (received) => {
        this.received.push(...received);
        return NONE;
      });
      return this.vault.write(progress);
    }
    const find = () => this.home.store.state.conversations.find((each) => each.group === entry.group)?.conversation;
    const isNotice = entry.kind === 'notice';
    if (!isNotice && find() === undefined) await this.home.refresh();
    const conversation = isNotice ? parseNotice(entry.payload).conversation : find();
    if (!conversation) return this.vault.write(progress);
    try {
      await this.group(conversation).take(entry, (received) => {
        this.received.push(...received);
        for (const each of received) {
          if (each.kind === 'message') this.heard.push(new TextDecoder().decode(each.content));
        }
        return new Map([...progress, ...NONE]);
      });
    } catch (error) {
      this.troubles.push(`${entry.kind}: ${(error as HawserError).code}`);
      await this.vault.write(progress);
    }
  }
}

function isPending(error: unknown): boolean {
  return error instanceof HawserError && error.code === 'MLS_PROPOSALS_PENDING';
}
