/** Which groups a hub may deliver for: those of its conversations, as far as it has told of them. */
import {
  type ConversationId,
  callRoomOf,
  conversationIn,
  type DeviceId,
  type GroupId,
  type RoomId,
} from '#signalling/ids.ts';
import { planned } from '../store/planned.ts';
import { inLists } from '../store/rows.ts';
import type { Db } from '../store/store.ts';
import type { Judged } from './feed-judge.ts';

/**
 * Statements come in front of the entries, so that a conversation is known here, with its group. Of a group that was, what is on its way
 * still comes to whoever reads it, and of a conversation that is over, to whoever had come in before. Where this domain has parted with
 * the hub, nothing does.
 * @param readers devices of this domain that get what goes to each group now
 */
export async function groupsOf(
  tx: Db,
  entries: readonly Judged[],
  readers: ReadonlyMap<GroupId, ReadonlySet<DeviceId>>,
): Promise<(entry: Judged) => boolean> {
  const conversations = [...new Set(entries.map(({ given }) => conversationIn(given.conversation)))];
  /** By room; of a call that is not known or over, its conversation is asked. */
  const groups = new Map<RoomId, GroupId | null>();
  const parted = new Set<ConversationId>();
  for (const part of inLists(conversations)) {
    const known = await planned(tx, `groups ${part.length}`, part, () =>
      tx.selectFrom('conversations').select(['id', 'group_id']).where('id', 'in', part),
    );
    for (const { id, group_id } of known.rows) groups.set(id, group_id);
  }
  const ofCalls = entries.some(({ given }) => given.conversation !== conversationIn(given.conversation));
  for (const part of ofCalls ? inLists(conversations) : []) {
    const calls = tx.selectFrom('calls').selectAll().where('conversation_id', 'in', part);
    for (const { conversation_id, conference, group_id } of await calls.execute())
      groups.set(callRoomOf(conversation_id, conference), group_id);
  }
  // Where its group is known, whether it was parted with changes nothing.
  const groupless = entries.filter(({ given }) => (groups.get(given.conversation) ?? null) === null);
  for (const part of inLists([...new Set(groupless.map(({ given }) => conversationIn(given.conversation)))])) {
    const out = tx.selectFrom('parted_people').select('conversation_id').where('conversation_id', 'in', part);
    for (const { conversation_id } of await out.distinct().execute()) parted.add(conversation_id);
  }
  const read = new Set([...readers].flatMap(([group, devices]) => (devices.size > 0 ? [group] : [])));
  return ({ given: { conversation: room, group } }) => {
    const conversation = conversationIn(room);
    if (!groups.has(conversation)) return false;
    const own = groups.get(room) ?? null;
    return own === group || read.has(group) || (own === null && !parted.has(conversation));
  };
}
