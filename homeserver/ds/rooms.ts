/**
 * The rooms of a conversation: it itself, and the call that goes on in it. Each has a group of its own, because what is said in a call is
 * for whoever is in it. Pure.
 */
import { HawserError } from '#signalling/errors.ts';
import type { Statement } from '#signalling/federation.ts';
import { callRoomOf, conferenceIn, type GroupId, isOfCall, type ParticipantId, type RoomId } from '#signalling/ids.ts';
import type { Change } from './changes.ts';

export interface GroupOfRoom {
  readonly room: RoomId;
  readonly group: GroupId;
}

/** Those that have a group. */
export function roomsOf({ conversation, group, call }: Statement): GroupOfRoom[] {
  const inCall = call?.group && { room: callRoomOf(conversation, call.conference), group: call.group };
  return [...(group ? [{ room: conversation, group }] : []), ...(inCall ? [inCall] : [])];
}

export function groupIn(state: Statement, room: RoomId): GroupId | undefined {
  return roomsOf(state).find((each) => each.room === room)?.group;
}

/** Whether a group can be that of a room, by its id. */
export function isGroupFor(room: RoomId, group: GroupId): boolean {
  return isOfCall(group) === (conferenceIn(room) !== undefined);
}

/** Who was in a call and is not any more, while it goes on. */
export function absentIn(room: RoomId, { before, after }: Change): ReadonlySet<ParticipantId> {
  const conference = conferenceIn(room);
  if (conference === undefined || after.call?.conference !== conference) return new Set();
  const there = new Set(after.call.members.map(({ participant }) => participant));
  const earlier = before?.call?.members.map(({ participant }) => participant) ?? [];
  return new Set(earlier.filter((participant) => !there.has(participant)));
}

/** @throws HawserError HOME_NO_CALL where the room is a call that does not go on */
export function requireRoom({ call }: Statement, room: RoomId): void {
  const conference = conferenceIn(room);
  if (conference !== undefined && call?.conference !== conference) throw new HawserError('HOME_NO_CALL');
}

/** @throws HawserError HOME_NO_CALL, HOME_GROUP_EXISTS, MLS_WRONG_GROUP where its id is of the other kind */
export function withGroup(state: Statement, room: RoomId, group: GroupId): Statement {
  requireRoom(state, room);
  if (!isGroupFor(room, group)) throw new HawserError('MLS_WRONG_GROUP');
  if (groupIn(state, room) !== undefined) throw new HawserError('HOME_GROUP_EXISTS');
  const { call, seq } = state;
  const next = { ...state, seq: seq + 1 };
  return conferenceIn(room) === undefined || !call ? { ...next, group } : { ...next, call: { ...call, group } };
}
