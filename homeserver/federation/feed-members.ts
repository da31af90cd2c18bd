/**
 * Which of our people a hub may let into a group: those who are members of its conversation by its own statement, or guests of its call. A statement is newer than
 * what is on its way by the feed, so that who came in may be out again by it.
 */
import {
  type ConversationId,
  conversationIn,
  type DeviceId,
  type GroupId,
  type UserId,
  userOfDevice,
} from '#signalling/ids.ts';
import { guestsIn } from '../ds/repository.ts';
import { inLists } from '../store/rows.ts';
import type { Db } from '../store/store.ts';
import type { Judged } from './feed-judge.ts';

/** Statements overtake the feed by the time in which a lane rests after failures, and a little more. ms */
const REMEMBERED_MS = 10 * 60_000;
/** Bound of what is remembered; the oldest go first. */
const MAX_REMEMBERED = 20_000;

/** People of this domain who were members by what a hub stated a while ago. In memory: a start takes longer than a statement overtakes. */
export class FormerMembers {
  readonly #until = new Map<string, number>();

  note(conversation: ConversationId, users: Iterable<UserId>, now: number): void {
    for (const user of users) {
      const key = `${conversation} ${user}`;
      this.#until.delete(key);
      this.#until.set(key, now + REMEMBERED_MS);
    }
    for (const key of this.#until.keys()) {
      if (this.#until.size <= MAX_REMEMBERED) break;
      this.#until.delete(key);
    }
  }

  has(conversation: ConversationId, user: UserId, now: number): boolean {
    return now < (this.#until.get(`${conversation} ${user}`) ?? 0);
  }
}

/** Whether a device of ours may come in by an entry. */
export type Admits = (entry: Judged, device: DeviceId) => boolean;

/**
 * @param entries of one request, in order: who is put out by a later one was a member until then
 * @param wasMember by what the hub stated before
 */
export async function admittedBy(
  tx: Db,
  entries: readonly Judged[],
  wasMember: (conversation: ConversationId, user: UserId) => boolean,
): Promise<Admits> {
  const joining = entries.filter(({ joined }) => joined.length > 0);
  const members = await membersOf(tx, [...new Set(joining.map(({ given }) => conversationIn(given.conversation)))]);
  const leavesAt = new Map<string, number>();
  for (const { given, left } of entries) {
    for (const device of left) leavesAt.set(stayOf(given.group, device), given.position);
  }
  return ({ given: { conversation: room, group, position } }, device) => {
    const conversation = conversationIn(room);
    const user = userOfDevice(device);
    if (members.has(`${conversation} ${user}`) || wasMember(conversation, user)) return true;
    return (leavesAt.get(stayOf(group, device)) ?? 0) > position;
  };
}

async function membersOf(tx: Db, conversations: readonly ConversationId[]): Promise<Set<string>> {
  const members = new Set<string>();
  for (const part of inLists(conversations)) {
    const rows = tx.selectFrom('members').select(['conversation_id', 'user_id']).where('conversation_id', 'in', part);
    for (const { conversation_id, user_id } of await rows.execute()) members.add(`${conversation_id} ${user_id}`);
    for (const [conversation, guests] of await guestsIn(tx, part)) {
      for (const { user } of guests) members.add(`${conversation} ${user}`);
    }
  }
  return members;
}

function stayOf(group: GroupId, device: DeviceId): string {
  return `${group} ${device}`;
}
