/**
 * Guests of a call: people in it, with the role of guests, and nobody in the conversation around it. What they are shown is cut down to whom
 * they hear and see there. Pure.
 */
import type { Conversation } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Call, Member, Operation, Statement } from '#signalling/federation.ts';
import { guestNameOf, MAX_GUESTS } from '#signalling/guests.ts';
import { domainOf, type UserId } from '#signalling/ids.ts';
import { entryOf, FREE, type Moderation, moderates } from '#signalling/moderation.ts';

export function guestsOf({ call }: Pick<Statement, 'call'>): Member[] {
  return (call?.guests ?? []).map(({ user, name }) => ({ user, domain: domainOf(user), name, role: 'guest' }));
}

/** Who may come into the call, as far as nothing was decided about them. */
export function peopleInCall(state: Pick<Statement, 'members' | 'call'>): readonly Member[] {
  const guests = guestsOf(state);
  return guests.length === 0 ? state.members : [...state.members, ...guests];
}

/** @throws HawserError HOME_NOT_FOUND of whoever is neither in the conversation nor a guest of its call */
export function personInCall(state: Statement, user: UserId): Member {
  const person = peopleInCall(state).find((each) => each.user === user);
  if (!person) throw new HawserError('HOME_NOT_FOUND');
  return person;
}

/**
 * One more guest. Where there are too many, one goes who neither is in the call nor waits for it.
 * @param actor the member who invites
 * @returns the very call where he is there already
 * @throws HawserError HOME_FORBIDDEN, FED_FOREIGN, HOME_GUEST_NAME_REFUSED, HOME_CALL_LOCKED, HOME_TOO_MANY_GUESTS
 */
export function invited(
  { members }: Statement,
  call: Call,
  { user, name }: Operation & { type: 'inviteGuest' },
  actor: Member,
  now: number,
): Call {
  if (!moderates(call, actor)) throw new HawserError('HOME_FORBIDDEN', 'moderateCall');
  if (domainOf(user) !== actor.domain) throw new HawserError('FED_FOREIGN', 'guest');
  if (guestNameOf(name) !== name) throw new HawserError('HOME_GUEST_NAME_REFUSED');
  if (members.some((member) => member.user === user)) throw new HawserError('HOME_FORBIDDEN', 'guest');
  if (call.moderation?.rules.locked) throw new HawserError('HOME_CALL_LOCKED');
  const { guests = [] } = call;
  if (guests.some((guest) => guest.user === user)) return call;
  const moderation = call.moderation ?? moderationBy(actor.user, now);
  const there = new Set([...call.members, ...moderation.waiting].map((each) => each.user));
  const absent = guests.find((guest) => !there.has(guest.user));
  if (guests.length >= MAX_GUESTS && !absent) throw new HawserError('HOME_TOO_MANY_GUESTS');
  const room = guests.length < MAX_GUESTS ? { ...call, moderation } : withoutGuest({ ...call, moderation }, absent);
  return { ...room, guests: [...(room.guests ?? []), { user, name, by: actor.user }] };
}

/** What nobody has decided anything about yet. */
export function moderationBy(by: UserId, at: number): Moderation {
  return { rules: FREE, by, at, admitted: [], barred: [], waiting: [] };
}

function withoutGuest(call: Call & { moderation: Moderation }, absent: { readonly user: UserId } | undefined): Call {
  const { guests = [], moderation } = call;
  const isOther = (user: UserId) => user !== absent?.user;
  return {
    ...call,
    guests: guests.filter(({ user }) => isOther(user)),
    moderation: {
      ...moderation,
      admitted: moderation.admitted.filter(isOther),
      barred: moderation.barred.filter(({ user }) => isOther(user)),
    },
  };
}

/**
 * The conversation as the client API shows it to a guest of its call: as long as he was not let in, that there is a call to which `by` has
 * invited him, and who has put him out; then who is in it, and what it is called.
 * @returns undefined where he is none
 */
export function shownToGuest(state: Statement, user: UserId): Conversation | undefined {
  const { conversation, title, members, call } = state;
  const guest = call?.guests?.find((each) => each.user === user);
  if (!call || !guest) return undefined;
  const self: Member = { user, domain: domainOf(user), name: guest.name, role: 'guest' };
  const { moderation = moderationBy(guest.by, call.startedAt) } = call;
  const mine = {
    // To him there is one.
    rules: { ...moderation.rules, lobby: true },
    admitted: moderation.admitted.filter((each) => each === user),
    barred: moderation.barred.filter((each) => each.user === user),
    waiting: moderation.waiting.filter((each) => each.user === user),
  };
  const shown = { conversation, hub: domainOf(conversation) };
  const { conference, anchor, startedAt, group } = call;
  if (entryOf(call, self) !== 'open') {
    // Who put him out, or turned him away, says so with his name.
    const by = new Set(mine.barred.map((each) => each.by));
    return {
      ...{ ...shown, title: '', members: [...members.filter((each) => by.has(each.user)), self] },
      call: {
        ...{ conference, anchor, startedBy: guest.by, startedAt, members: [], guests: [guest] },
        moderation: { ...mine, by: guest.by, at: call.startedAt },
      },
    };
  }
  const inCall = new Set(call.members.map((each) => each.user));
  const others = peopleInCall(state).filter((each) => inCall.has(each.user) && each.user !== user);
  return {
    ...{ ...shown, title, members: [...others, self], domains: [...new Set(members.map(({ domain }) => domain))] },
    call: {
      ...{ conference, anchor, startedBy: call.startedBy, startedAt, members: call.members },
      ...(group && { group }),
      guests: (call.guests ?? []).filter((each) => inCall.has(each.user) || each.user === user),
      moderation: {
        ...{ ...mine, by: moderation.by, at: moderation.at },
        ...(moderation.muted && { muted: moderation.muted }),
      },
    },
  };
}
