/**
 * For our own devices in conversations of other hubs: asks the hub in their name, and answers them when this homeserver has what
 * the hub had told until then, so that nothing older comes to the device after the answer.
 */
import { HawserError } from '#signalling/errors.ts';
import type { GroupState, NewCommit, NewGroup, TakenCommit } from '#signalling/groups.ts';
import {
  type ConversationId,
  conversationIn,
  type DeviceId,
  type DomainName,
  domainOf,
  type GroupId,
  type RoomId,
} from '#signalling/ids.ts';
import type { Asker, GroupOffice } from '../ds/group-office.ts';
import type { World } from '../world.ts';
import type { Undo } from './beginnings.ts';
import type { PeerClient } from './peer-client.ts';

export interface RelayOptions {
  readonly hubs: Pick<PeerClient, 'createGroup' | 'groupInfo' | 'join' | 'tree' | 'commit' | 'turn' | 'endTurn'>;
  /** Whether this homeserver has ever heard of a conversation: about others nobody is asked. */
  readonly knows: (conversation: ConversationId) => Promise<boolean>;
  /** @see beginReading */
  readonly beginReading: (device: DeviceId, room: RoomId, group: GroupId) => Promise<Undo>;
  /** Resolves when the feed of a hub has come to a position, or after so many ms. */
  readonly reached: (hub: DomainName, position: number, ms: number) => Promise<unknown>;
  readonly world: Pick<World, 'now'>;
}

/** What the feed has not brought by then comes after the answer: the device tells the two apart by the epoch. ms */
const FEED_MS = 5_000;
/** Who waits longer for a turn is told to ask again; clients give an answer 15 s. ms */
const TURNS_MS = 9_000;
/** Where the hub does not hold the question, it is not asked more often than this. ms */
const ASK_AGAIN_MS = 500;

export class Relay implements GroupOffice {
  readonly #options: RelayOptions;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  async create({ device }: Asker, room: RoomId, group: NewGroup): Promise<GroupState> {
    await this.#check(room);
    const { hubs, beginReading } = this.#options;
    const undo = await beginReading(device, room, group.group);
    const asking = hubs.createGroup(device, room, group);
    const { state, upTo } = await asking.catch(async (error: unknown) => {
      // It may have been made all the same: its device has given it up, and comes in by an external commit.
      await undo();
      throw error;
    });
    return this.#after(room, upTo, state);
  }

  async state({ device }: Asker, room: RoomId): Promise<GroupState> {
    await this.#check(room);
    const { state, upTo } = await this.#options.hubs.groupInfo(device, room);
    return this.#after(room, upTo, state);
  }

  async join({ device }: Asker, room: RoomId, keyPackage: string): Promise<GroupState | undefined> {
    await this.#check(room);
    const { state, upTo } = await this.#options.hubs.join(device, room, keyPackage);
    return state && this.#after(room, upTo, state);
  }

  async tree({ device }: Asker, room: RoomId, epoch: number): Promise<string> {
    await this.#check(room);
    return this.#options.hubs.tree(device, room, epoch);
  }

  async commit({ device }: Asker, room: RoomId, commit: NewCommit): Promise<TakenCommit> {
    await this.#check(room);
    const { taken, upTo } = await this.#options.hubs.commit(device, room, commit);
    return this.#after(room, upTo, taken);
  }

  async waitForTurn({ device }: Asker, room: RoomId): Promise<void> {
    await this.#check(room);
    const { hubs, world } = this.#options;
    const begin = world.now();
    // Clocks may be set, either way.
    while (Math.abs(world.now() - begin) < TURNS_MS) {
      const asked = world.now();
      if (await hubs.turn(device, room)) return;
      const rest = ASK_AGAIN_MS - Math.abs(world.now() - asked);
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    }
    throw new HawserError('HOME_SLOW_DOWN', 'others commit');
  }

  async endTurn({ device }: Asker, room: RoomId): Promise<void> {
    await this.#check(room);
    await this.#options.hubs.endTurn(device, room);
  }

  /** @throws HawserError HOME_NOT_FOUND: nobody makes this homeserver ask around */
  async #check(room: RoomId): Promise<void> {
    if (!(await this.#options.knows(conversationIn(room)))) throw new HawserError('HOME_NOT_FOUND');
  }

  async #after<T>(room: RoomId, upTo: number, answer: T): Promise<T> {
    await this.#options.reached(domainOf(room), upTo, FEED_MS);
    return answer;
  }
}
