/** The one place that decides who may do what in a conversation, by the capabilities of the role. */
import { type Capability, may } from '#signalling/capabilities.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Member, Operation, Statement } from '#signalling/federation.ts';
import type { UserId } from '#signalling/ids.ts';
import { personInCall } from './guests.ts';

/** What an operation takes; undefined where that depends on what goes on, which `apply` knows. */
const NEEDED: Readonly<Record<Exclude<Operation['type'], 'presence'>, Capability | undefined>> = {
  addMember: 'addParticipant',
  removeMember: 'removeParticipant',
  leave: 'removeSelf',
  changeRole: 'changeUserRole',
  changeTitle: 'changeRoomName',
  // His domain says it, of everybody it has.
  changeName: undefined,
  startCall: 'startCall',
  // Whoever started it ends it too.
  endCall: undefined,
  // And moderates it.
  ruleCall: undefined,
  muteInCall: undefined,
  putOutOfCall: undefined,
  letIntoCall: undefined,
  inviteGuest: undefined,
  knock: 'joinCall',
  stopKnocking: 'joinCall',
};
/** What guests of a call do too. */
const OF_GUESTS: ReadonlySet<Operation['type']> = new Set(['knock', 'stopKnocking']);

/** @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN */
export function permitOperation(state: Statement, operation: Operation): void {
  // A domain says who is there; who of them may be, is looked at one by one.
  if (operation.type === 'presence') return;
  const needed = NEEDED[operation.type];
  if (OF_GUESTS.has(operation.type)) permitInCall(state, operation.actor, needed ?? 'joinCall');
  else if (needed === undefined) memberIn(state, operation.actor);
  else permit(state, operation.actor, needed);
}

/** @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN naming the capability */
export function permit(state: Statement, user: UserId, capability: Capability): Member {
  const member = memberIn(state, user);
  if (!may(member.role, capability)) throw new HawserError('HOME_FORBIDDEN', capability);
  return member;
}

/** The same in the call, where guests are people too. @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN naming the capability */
export function permitInCall(state: Statement, user: UserId, capability: Capability): Member {
  const person = personInCall(state, user);
  if (!may(person.role, capability)) throw new HawserError('HOME_FORBIDDEN', capability);
  return person;
}

/** @throws HawserError HOME_NOT_FOUND: strangers learn nothing, not even that the conversation exists */
export function memberIn(state: Statement, user: UserId): Member {
  const member = state.members.find((candidate) => candidate.user === user);
  if (!member) throw new HawserError('HOME_NOT_FOUND');
  return member;
}
