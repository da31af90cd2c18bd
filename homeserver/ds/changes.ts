/** What the people of a domain are told when one state of a conversation follows another. */
import { isDeepStrictEqual } from 'node:util';
import type { HomeEvent } from '#signalling/client-home.ts';
import type { Call, Statement } from '#signalling/federation.ts';
import { type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import { isGuestOf } from '#signalling/moderation.ts';
import { shownToGuest } from './guests.ts';

export interface Told {
  readonly user: UserId;
  readonly event: HomeEvent;
}

/** The two states of a change; undefined before the conversation was known. */
export interface Change {
  readonly before: Statement | undefined;
  readonly after: Statement;
  /** Of this domain: whoever has blocked the one who started the call. They see it, and are not rung. */
  readonly unrung?: ReadonlySet<UserId>;
  /** Whose operation it was, where it was one of a person and this is the hub. */
  readonly by?: UserId;
  /** Whose people are out because this domain parted with theirs. */
  readonly parted?: DomainName;
}

/** Who of everybody is told what, in order. Whether a person is local and connected is not looked at here. */
export function toldBy({ before, after, unrung }: Change): Told[] {
  const told: Told[] = [];
  const earlier = new Set(before?.members.map(({ user }) => user));
  const later = new Set(after.members.map(({ user }) => user));
  const { conversation } = after;
  for (const user of earlier) {
    if (!later.has(user)) told.push({ user, event: { type: 'conversationRemoved', conversation } });
  }
  const whole: HomeEvent = { type: 'conversation', conversation: shown(after) };
  const isChanged = before === undefined || !sameMembership(before, after);
  const inCall = callEvents(before, after);
  for (const user of later) {
    if (isChanged) told.push({ user, event: whole });
    // Whoever is new learns of a call that goes on by `ringing`, and finds its people in there.
    const events = earlier.has(user) ? inCall : callEvents(undefined, after);
    for (const event of events) {
      const isSilent = event.type === 'ringing' && (event.call.startedBy === user || unrung?.has(user));
      if (!isSilent) told.push({ user, event });
      // Nobody is rung by themselves or by whom they have blocked, but their devices shall show the call.
      else if (!isChanged) told.push({ user, event: whole });
    }
  }
  return [...told, ...toldToGuests(before, after)];
}

/** Whoever is a guest of the call is told of nothing else, and of all in it as a whole: there is no history that he has. */
function toldToGuests(before: Statement | undefined, after: Statement): Told[] {
  const told: Told[] = [];
  const { conversation } = after;
  const from = before?.call;
  const isOver = from !== undefined && from.conference !== after.call?.conference;
  for (const { user } of from?.guests ?? []) {
    if (!isOver && after.call && isGuestOf(after.call, user)) continue;
    if (isOver) told.push({ user, event: { type: 'ended', conversation, conference: from.conference } });
    told.push({ user, event: { type: 'conversationRemoved', conversation } });
  }
  for (const { user } of after.call?.guests ?? []) {
    const now = shownToGuest(after, user);
    const was = before && shownToGuest(before, user);
    if (now && !isDeepStrictEqual(was, now)) told.push({ user, event: { type: 'conversation', conversation: now } });
  }
  return told;
}

/** The conversation as the client API shows it. */
export function shown(state: Statement) {
  const { conversation, title, members, group, call } = state;
  return { conversation, hub: domainOf(conversation), title, members, ...(group && { group }), ...(call && { call }) };
}

function callEvents(before: Statement | undefined, after: Statement): HomeEvent[] {
  const { conversation } = after;
  const from = before?.call;
  const to = after.call;
  const events: HomeEvent[] = [];
  const isOther = from?.conference !== to?.conference;
  if (from && isOther) events.push({ type: 'ended', conversation, conference: from.conference });
  if (to && isOther) events.push({ type: 'ringing', conversation, call: to });
  if (from && to && !isOther) {
    const { conference } = to;
    for (const member of missing(from, to)) events.push({ type: 'left', conversation, conference, member });
    for (const member of missing(to, from)) events.push({ type: 'joined', conversation, conference, member });
    const { moderation } = to;
    if (moderation && !isDeepStrictEqual(moderation, from.moderation))
      events.push({ type: 'moderated', conversation, conference, moderation });
  }
  return events;
}

/** Those of the first call who are not in the second. */
function missing(call: Call, other: Call) {
  const there = new Set(other.members.map(({ participant }) => participant));
  return call.members.filter(({ participant }) => !there.has(participant));
}

function sameMembership(a: Statement, b: Statement): boolean {
  const isSameCall = a.call?.conference === b.call?.conference;
  const isOtherGroup = isSameCall && a.call?.group !== b.call?.group;
  if (isSameCall && !isDeepStrictEqual(a.call?.guests, b.call?.guests)) return false;
  if (isOtherGroup || a.title !== b.title || a.group !== b.group || a.members.length !== b.members.length) return false;
  return a.members.every((member, index) => {
    const twin = b.members[index];
    return twin?.user === member.user && twin.role === member.role && twin.name === member.name;
  });
}
