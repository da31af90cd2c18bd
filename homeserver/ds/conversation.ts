/**
 * What may happen to a conversation: functions of its state, an operation and the time to the next state. The hub alone
 * applies them. An operation that changes nothing returns the very state it was given.
 */
import { HawserError } from '#signalling/errors.ts';
import type { Call, CallMember, Member, Operation, Statement } from '#signalling/federation.ts';
import { type ConversationId, type DomainName, domainOf, type UserId } from '#signalling/ids.ts';

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

export function created({ conversation, title, creator, others }: Creation): Statement {
  const rest = others.filter(({ user }) => user !== creator.user).map((person) => memberOf(person, 'member'));
  return { conversation, seq: 1, title, members: [memberOf(creator, 'admin'), ...rest] };
}

export function memberOf({ user, name }: Person, role: Member['role']): Member {
  return { user, domain: domainOf(user), name, role };
}

/** `addMember` after the hub has looked the person up. */
export type Looked<O extends Operation = Operation> = O extends { type: 'addMember' } ? O & { name: string } : O;

/**
 * @throws HawserError HOME_NOT_FOUND (actor is no member), HOME_FORBIDDEN, HOME_NO_CALL
 */
export function apply(state: Statement, from: DomainName, operation: Looked, now: number): Statement {
  switch (operation.type) {
    case 'addMember': {
      if (memberIn(state, operation.actor).role !== 'admin') throw new HawserError('HOME_FORBIDDEN');
      if (state.members.some(({ user }) => user === operation.user)) return state;
      if (state.members.length >= MAX_MEMBERS) throw new HawserError('HOME_FORBIDDEN', 'the conversation is full');
      return next(state, { members: [...state.members, memberOf(operation, 'member')] });
    }
    case 'startCall': {
      const { actor, conference } = operation;
      memberIn(state, actor);
      // Of two who start at once the second finds the first's call in the answer.
      if (state.call) return state;
      const call = { conference, anchor: domainOf(actor), startedBy: actor, startedAt: now, members: [] };
      return next(state, { call });
    }
    case 'endCall': {
      const { role } = memberIn(state, operation.actor);
      const call = currentCall(state, operation.conference);
      if (role !== 'admin' && call.startedBy !== operation.actor) throw new HawserError('HOME_FORBIDDEN');
      return next(state, { call: undefined });
    }
    case 'presence':
      return withPresence(state, from, operation);
  }
}

/** Ends a call that nobody came to. */
export function expired(state: Statement, now: number): Statement {
  const { call } = state;
  return call && call.members.length === 0 && now - call.startedAt >= EMPTY_CALL_MS
    ? next(state, { call: undefined })
    : state;
}

/** Takes everybody of a domain out of the call, as when that domain is blocked; a call that it anchors is over. */
export function withoutDomain(state: Statement, domain: DomainName): Statement {
  if (!state.call) return state;
  if (state.call.anchor === domain) return next(state, { call: undefined });
  return withPresence(state, domain, {
    type: 'presence',
    conference: state.call.conference,
    seq: 1,
    participants: [],
  });
}

export function domainsOf(state: Statement): Set<DomainName> {
  return new Set(state.members.map(({ domain }) => domain));
}

/** @throws HawserError HOME_NOT_FOUND: strangers learn nothing, not even that the conversation exists */
export function memberIn(state: Statement, user: UserId): Member {
  const member = state.members.find((candidate) => candidate.user === user);
  if (!member) throw new HawserError('HOME_NOT_FOUND');
  return member;
}

function withPresence(state: Statement, from: DomainName, presence: Operation & { type: 'presence' }): Statement {
  const call = currentCall(state, presence.conference);
  const people = new Map(state.members.map((member) => [member.user, member]));
  const here: CallMember[] = [];
  for (const { participant, user } of presence.participants) {
    const member = people.get(user);
    if (member?.domain === from) here.push({ participant, user, domain: from, name: member.name });
  }
  const before = call.members.filter(({ domain }) => domain === from);
  if (sameParticipants(before, here)) return state;
  const members = [...call.members.filter(({ domain }) => domain !== from), ...here];
  // Before somebody came the list was empty too: only the last one out ends the call.
  if (members.length === 0) return next(state, { call: undefined });
  return next(state, { call: { ...call, members } });
}

function currentCall(state: Statement, conference: string): Call {
  if (state.call?.conference !== conference) throw new HawserError('HOME_NO_CALL');
  return state.call;
}

function sameParticipants(a: readonly CallMember[], b: readonly CallMember[]): boolean {
  const known = new Set(a.map(({ participant }) => participant));
  return a.length === b.length && b.every(({ participant }) => known.has(participant));
}

function next(state: Statement, change: { members?: Member[]; call?: Call | undefined }): Statement {
  const { call, ...rest } = { ...state, ...change, seq: state.seq + 1 };
  return call ? { ...rest, call } : rest;
}
