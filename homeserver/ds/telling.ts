/**
 * Who is told of a commit, or of a change of the conversation, in the transaction in which it is written: the devices of the group here,
 * and the other domains that have devices in it. Whoever comes in is told from there on, whoever is out has that as the last thing.
 */
import type { PublicPlan } from '#mls/public-group.ts';
import { toBase64Url } from '#signalling/base64.ts';
import type { Member, Statement } from '#signalling/federation.ts';
import type { NewCommit } from '#signalling/groups.ts';
import {
  conferenceIn,
  conversationIn,
  type DeviceId,
  type DomainName,
  domainOf,
  type GroupId,
  type RoomId,
  type UserId,
  userOfDevice,
} from '#signalling/ids.ts';
import type { Notice } from '#signalling/notice.ts';
import type { Feeds } from '../federation/feed.ts';
import type { Queues } from '../qs/queues.ts';
import type { Db } from '../store/store.ts';
import type { World } from '../world.ts';
import type { Change } from './changes.ts';
import { domainsStaying, movesBy, movesOut } from './far-devices.ts';
import { deleteGroup, devicesOf, setPutOut } from './group-table.ts';
import { guestsOf, peopleInCall } from './guests.ts';
import { noticesOf } from './notices.ts';
import { load } from './repository.ts';
import { groupIn, roomsOf } from './rooms.ts';

export interface TellingOptions {
  readonly domain: DomainName;
  readonly world: Pick<World, 'now'>;
  readonly queues: Pick<Queues, 'append' | 'subscribe' | 'unsubscribe'>;
  /** Other domains that have devices in groups. */
  readonly followers: Pick<Feeds, 'tell'>;
}

/** A commit that was judged and is being written. */
export interface DoneCommit {
  readonly room: RoomId;
  /** The device that made it. */
  readonly by: DeviceId;
  readonly plan: PublicPlan;
  /** Those in the group after it. */
  readonly devices: readonly DeviceId[];
  /** That it makes. */
  readonly epoch: number;
  readonly request: Pick<NewCommit, 'id' | 'commit' | 'welcome'>;
}

export class Telling {
  readonly #options: TellingOptions;

  constructor(options: TellingOptions) {
    this.#options = options;
  }

  /** Writes who is told of a commit: its members, whom it lets in and whom it puts out. Returns the place of the commit. */
  async commit(tx: Db, group: GroupId, { room, by, plan, devices, epoch, request }: DoneCommit): Promise<number> {
    const { queues, followers, world, domain } = this.#options;
    const at = world.now();
    const { position } = await queues.append(tx, {
      ...{ audience: group, kind: 'commit', sender: by, id: request.id, payload: request.commit, at },
    } as const);
    for (const { identity } of plan.left) {
      if (identity.domain === domain) await queues.unsubscribe(tx, identity.device, group, position);
    }
    const joined = plan.joined.map(({ identity }) => identity.device);
    await setPutOut(tx, group, joined, false);
    for (const { identity } of plan.joined) {
      if (identity.domain !== domain) continue;
      // Its own commit is the answer for a device that joined by itself and got none.
      await queues.subscribe(tx, identity.device, group, plan.external ? position - 1 : position);
      if (plan.external || request.welcome === undefined) continue;
      const welcome = { audience: identity.device, kind: 'welcome', group, payload: request.welcome, at } as const;
      await queues.append(tx, { ...welcome, id: `${epoch}` });
    }
    const moves = movesBy(domain, plan, request.welcome);
    if (moves.size > 0 || devices.some((device) => domainOf(device) !== domain)) {
      const state = await load(tx, conversationIn(room));
      const members = usersOf(state ? readersIn(room, state) : []);
      const staying = domainsStaying(devices, members);
      await followers.tell(tx, { group, conversation: room, position, moves, staying });
    }
    return position;
  }

  /**
   * In the transaction of a change: tells the devices of it, those of whoever is out last. Nothing that comes later is for them.
   * Their keys go with the next commit, for which the hub makes the proposals. The group goes with its last member, and that of a call with
   * the call.
   */
  async change(tx: Db, change: Change): Promise<void> {
    const { before, after } = change;
    // Of the groups of other hubs nothing is here, and what they say comes by their feed.
    if (!before || domainOf(after.conversation) !== this.#options.domain) return;
    for (const { room, group } of roomsOf(before)) await this.#changeIn(tx, change, room, group);
  }

  async #changeIn(tx: Db, change: Change, room: RoomId, group: GroupId): Promise<void> {
    const { queues, followers, world, domain } = this.#options;
    const { after } = change;
    const { conversation } = after;
    const isOver = groupIn(after, room) !== group;
    let newest: number | undefined;
    for (const told of toldIn(room, change, isOver)) {
      const notice: Notice = { conversation, change: told };
      const payload = toBase64Url(new TextEncoder().encode(JSON.stringify(notice)));
      newest = (await queues.append(tx, { audience: group, kind: 'notice', payload, at: world.now() })).position;
    }
    const left = usersGone(change);
    if (newest === undefined || (left.size === 0 && !isOver)) return;
    const devices = await devicesOf(tx, group);
    const gone = isOver ? new Set(devices.map(userOfDevice)) : left;
    const out = devices.filter((device) => gone.has(userOfDevice(device)));
    await setPutOut(tx, group, out, true);
    for (const device of out) if (domainOf(device) === domain) await queues.unsubscribe(tx, device, group, newest);
    const staying = new Set([...usersOf(readersIn(room, after))].filter((user) => !gone.has(user)));
    await followers.tell(tx, {
      ...{ group, conversation: room, position: newest, moves: movesOut(domain, devices, gone) },
      staying: domainsStaying(devices, staying),
      isFarewell: true,
    });
    if (isOver) await deleteGroup(tx, group, room);
  }
}

/** What the devices in the group of a room have to know of a change: of a call, who is out of it, and that it is over. */
function toldIn(room: RoomId, change: Change, isOver: boolean): readonly Notice['change'][] {
  const notices = noticesOf(change);
  if (conferenceIn(room) === undefined) return notices;
  if (isOver) return [{ type: 'callEnded' }];
  return notices.filter(({ type }) => type === 'removed' || type === 'left' || type === 'parted');
}

/** Whom a change takes out of the conversation. */
export function usersGone({ before, after }: Change): ReadonlySet<UserId> {
  const staying = usersOf(after.members);
  return new Set(before?.members.map(({ user }) => user).filter((user) => !staying.has(user)));
}

/** Whom a change takes out of the guests of the call. */
export function guestsGone({ before, after }: Change): readonly UserId[] {
  const staying = usersOf(guestsOf(after));
  return before ? guestsOf(before).flatMap(({ user }) => (staying.has(user) ? [] : [user])) : [];
}

/** Whose devices read what goes to the group of a room. */
function readersIn(room: RoomId, state: Statement): readonly Member[] {
  return conferenceIn(room) === undefined ? state.members : peopleInCall(state);
}

function usersOf(members: readonly Member[]): Set<UserId> {
  return new Set(members.map(({ user }) => user));
}
