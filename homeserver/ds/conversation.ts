/**
 * What may happen to a conversation: functions of its state, an operation and the time to the next state. The hub alone
 * applies them. An operation that changes nothing returns the very state it was given.
 */
import { heirOf, may, type Role } from '#signalling/capabilities.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Call, CallMember, Member, Operation, Statement } from '#signalling/federation.ts';
import { type ConversationId, type DomainName, domainOf, officeOf, type UserId } from '#signalling/ids.ts';
import { entryOf, isGuestOf } from '#signalling/moderation.ts';
import { titleOf } from '#signalling/title.ts';
import { invited, peopleInCall } from './guests.ts';
import { moderated, moderatedByOffice, type OfficeAct, withoutLapsed, withoutPeople } from './moderation.ts';
import { memberIn, permit, permitOperation } from './permission.ts';

const MAX_MEMBERS = 10_000;

/** How long a call may wait for its first participant, ms. */
export const EMPTY_CALL_MS = 60_000;

/** A person as the domain that they belong to names them. */
export interface Person {
  readonly user: UserId;
  readonly name: string;
}

export interface Creation {
  readonly conversation: ConversationId;
  readonly title: string;
  readonly creator: Person;
  readonly others: readonly Person[];
}

/** @throws HawserError HOME_BAD_TITLE */
export function created({ conversation, title, creator, others }: Creation): Statement {
  const rest = others.filter(({ user }) => user !== creator.user).map((person) => memberOf(person, 'member'));
  return { conversation, seq: 1, title: goodTitle(title), members: [memberOf(creator, 'admin'), ...rest] };
}

export function memberOf({ user, name }: Person, role: Role): Member {
  return { user, domain: domainOf(user), name, role };
}

/** `addMember` after the hub has looked the person up. */
export type Looked<O extends Operation = Operation> = O extends { type: 'addMember' } ? O & { name: string } : O;

/**
 * @throws HawserError HOME_NOT_FOUND (actor is no member), HOME_FORBIDDEN, HOME_CONVERSATION_FULL, HOME_REMOVE_SELF,
 * HOME_LAST_ADMIN, HOME_GUEST_ROLE, HOME_BAD_TITLE, HOME_NO_CALL, and what `moderated` and `invited` throw
 */
export function apply(state: Statement, from: DomainName, operation: Looked, now: number): Statement {
  permitOperation(state, operation);
  switch (operation.type) {
    case 'addMember': {
      if (state.members.some(({ user }) => user === operation.user)) return state;
      if (state.members.length >= MAX_MEMBERS) throw new HawserError('HOME_CONVERSATION_FULL');
      return next(state, { members: [...state.members, memberOf(operation, 'member')] });
    }
    case 'removeMember': {
      if (operation.user === operation.actor) throw new HawserError('HOME_REMOVE_SELF');
      return without(state, (user) => user === operation.user);
    }
    case 'leave':
      return without(state, (user) => user === operation.actor);
    case 'changeRole':
      return withRole(state, operation.user, operation.role);
    case 'changeTitle': {
      const title = goodTitle(operation.title);
      return title === state.title ? state : next(state, { title });
    }
    case 'changeName':
      return withName(state, operation.actor, operation.name);
    case 'startCall': {
      const { actor, conference } = operation;
      // Of two who start at once the second finds the first's call in the answer.
      if (state.call) return state;
      const call = { conference, anchor: domainOf(actor), startedBy: actor, startedAt: now, members: [] };
      return next(state, { call });
    }
    case 'endCall': {
      const call = currentCall(state, operation.conference);
      if (call.startedBy !== operation.actor) permit(state, operation.actor, 'endCall');
      return next(state, { call: undefined });
    }
    case 'presence':
      return withPresence(state, from, operation);
    case 'inviteGuest': {
      const call = currentCall(state, operation.conference);
      const after = invited(state, call, operation, memberIn(state, operation.actor), now);
      return after === call ? state : next(state, { call: after });
    }
    case 'ruleCall':
    case 'muteInCall':
    case 'putOutOfCall':
    case 'letIntoCall':
    case 'knock':
    case 'stopKnocking': {
      const call = currentCall(state, operation.conference);
      const after = moderated(state, call, operation, now);
      return after === call ? state : next(state, { call: after });
    }
  }
}

/**
 * What whoever runs the hub decides about a call in it, from outside of the conversation.
 * @throws HawserError HOME_NO_CALL, and what `moderatedByOffice` throws
 */
export function administered(state: Statement, act: OfficeAct, now: number): Statement {
  const call = currentCall(state, act.conference);
  if (act.type === 'endCall') return next(state, { call: undefined });
  const after = moderatedByOffice(state, call, act, officeOf(domainOf(state.conversation)), now);
  return after === call ? state : next(state, { call: after });
}

/** Ends a call that nobody came to, and the waiting of whoever went away from its lobby. */
export function expired(state: Statement, now: number): Statement {
  const { call } = state;
  if (!call) return state;
  if (call.members.length === 0 && now - call.startedAt >= EMPTY_CALL_MS) return next(state, { call: undefined });
  const after = withoutLapsed(call, now);
  return after === call ? state : next(state, { call: after });
}

/** Takes everybody of a domain out of the call, as when that domain is blocked; a call that it anchors is over. */
export function withoutDomain(state: Statement, domain: DomainName): Statement {
  if (!state.call) return state;
  if (state.call.anchor === domain) return next(state, { call: undefined });
  const { conference } = state.call;
  const after = withPresence(state, domain, { type: 'presence', conference, seq: 1, participants: [] });
  const isGuest = (user: UserId) =>
    domainOf(user) === domain && after.call !== undefined && isGuestOf(after.call, user);
  if (!after.call?.guests?.some(({ user }) => isGuest(user))) return after;
  return next(after, { call: withoutPeople(after.call, isGuest) });
}

/** Everybody of a domain is out at once, as when that domain is blocked; the rest is as where one leaves. */
export function parted(state: Statement, domain: DomainName): Statement {
  return without(state, (user) => domainOf(user) === domain);
}

/** Of no conversation of anybody: a domain that is out learns no title that was given since. */
const UNTOLD_TITLE = '-';

/** What a hub tells a domain of a conversation: where nobody of it is in, that it is over for it, and nothing more. */
export function toldTo(domain: DomainName, state: Statement): Statement {
  if (state.members.some((member) => member.domain === domain)) return state;
  const { conversation, seq } = state;
  return { conversation, seq, title: UNTOLD_TITLE, members: [] };
}

export function domainsOf(state: Statement): Set<DomainName> {
  return new Set(state.members.map(({ domain }) => domain));
}

/** People are gone, and with them what only they kept alive; see `Operation` for who administers then. */
function without(state: Statement, isGone: (user: UserId) => boolean): Statement {
  const rest = state.members.filter(({ user }) => !isGone(user));
  if (rest.length === state.members.length) return state;
  // Guests are somebody's guests: with the last one who has an account the conversation is over for them too.
  if (rest.every(({ role }) => role === 'guest')) return over(state);
  const heir = heirOf(rest);
  const members = rest.map((member): Member => (member === heir ? { ...member, role: 'admin' } : member));
  return next(state, { members, call: callWithout(state.call, isGone, members) });
}

/** Nobody is left, no call goes on, and the group is no more. What is left is the number, for those who have to be told. */
function over({ conversation, seq, title }: Statement): Statement {
  return { conversation, seq: seq + 1, title, members: [] };
}

/**
 * A call ends with its last one, and with the last member of the domain that anchors it. Where who started it is gone, it is another
 * member's of that domain, somebody in it before others: followers take no call whose owner they do not find among the members. Guests go
 * with the last member of their domain.
 */
function callWithout(
  call: Call | undefined,
  isGone: (user: UserId) => boolean,
  rest: readonly Member[],
): Call | undefined {
  if (!call) return undefined;
  const domains = new Set(rest.map(({ domain }) => domain));
  const isOut = (user: UserId) => isGone(user) || !domains.has(domainOf(user));
  const members = call.members.filter(({ user }) => !isOut(user));
  const present = members.filter(({ user }) => !isGuestOf(call, user));
  const heir = [...present, ...rest].find(({ domain }) => domain === call.anchor)?.user;
  const startedBy = isGone(call.startedBy) ? heir : call.startedBy;
  const isEmptied = members.length === 0 && call.members.length > 0;
  return startedBy === undefined || isEmptied ? undefined : withoutPeople({ ...call, startedBy, members }, isOut);
}

function withRole(state: Statement, user: UserId, role: Role): Statement {
  const member = state.members.find((candidate) => candidate.user === user);
  if (!member) throw new HawserError('HOME_NOT_FOUND', 'user');
  if (member.role === role) return state;
  if (member.role === 'guest') throw new HawserError('HOME_GUEST_ROLE');
  const members = state.members.map((each): Member => (each === member ? { ...each, role } : each));
  if (!members.some((each) => each.role === 'admin')) throw new HawserError('HOME_LAST_ADMIN');
  return next(state, { members });
}

function withName(state: Statement, user: UserId, name: string): Statement {
  if (state.members.some((each) => each.user === user && each.name === name)) return state;
  const named = <M extends Person>(each: M): M => (each.user === user ? { ...each, name } : each);
  const { call, members } = state;
  return next(state, {
    members: members.map(named),
    ...(call && { call: { ...call, members: call.members.map(named) } }),
  });
}

function goodTitle(text: string): string {
  const title = titleOf(text);
  if (title === undefined) throw new HawserError('HOME_BAD_TITLE');
  return title;
}

function withPresence(state: Statement, from: DomainName, presence: Operation & { type: 'presence' }): Statement {
  const call = currentCall(state, presence.conference);
  const people = new Map(peopleInCall(state).map((person) => [person.user, person]));
  const others = call.members.filter(({ domain }) => domain !== from);
  const taken = new Set(others.map(({ participant }) => participant));
  const here: CallMember[] = [];
  for (const { participant, user } of presence.participants) {
    const member = people.get(user);
    // Whose name it is said whoever came first: a domain that tells of others' participants takes nobody's place.
    if (taken.has(participant)) continue;
    taken.add(participant);
    // Who has still to be let in, or was put out, is not in it, whatever his domain says.
    if (member?.domain === from && may(member.role, 'joinCall') && entryOf(call, member) === 'open')
      here.push({ participant, user, domain: from, name: member.name });
  }
  const before = call.members.filter(({ domain }) => domain === from);
  if (sameParticipants(before, here)) return state;
  const members = [...others, ...here];
  // Before somebody came the list was empty too: only the last one out ends the call.
  if (members.length === 0) return next(state, { call: undefined });
  return next(state, { call: { ...call, members } });
}

function currentCall(state: Statement, conference: string): Call {
  if (state.call?.conference !== conference) throw new HawserError('HOME_NO_CALL');
  return state.call;
}

function sameParticipants(a: readonly CallMember[], b: readonly CallMember[]): boolean {
  const known = new Map(a.map(({ participant, user }) => [participant, user]));
  return a.length === b.length && b.every(({ participant, user }) => known.get(participant) === user);
}

interface StateChange {
  readonly title?: string;
  readonly members?: Member[];
  readonly call?: Call | undefined;
}

function next(state: Statement, change: StateChange): Statement {
  const { call, ...rest } = { ...state, ...change, seq: state.seq + 1 };
  return call ? { ...rest, call } : rest;
}
