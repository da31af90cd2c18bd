/** What happens to a call by those who moderate it, and to those who wait for them. Pure; the hub alone applies it. */
import { HawserError } from '#signalling/errors.ts';
import type { Call, Operation, Statement } from '#signalling/federation.ts';
import type { ConferenceId, ParticipantId, UserId } from '#signalling/ids.ts';
import {
  entryOf,
  isGuestOf,
  MAX_ADMITTED,
  MAX_BARRED,
  MAX_WAITING,
  type Moderation,
  moderates,
  WAITING_MS,
  type Waiting,
} from '#signalling/moderation.ts';
import { moderationBy, peopleInCall, personInCall } from './guests.ts';

const OF_MODERATORS = ['ruleCall', 'muteInCall', 'putOutOfCall', 'letIntoCall'] as const;
const OF_THOSE_WHO_WAIT = ['knock', 'stopKnocking'] as const;
export type ModeratingOperation = Operation & {
  type: (typeof OF_MODERATORS)[number] | (typeof OF_THOSE_WHO_WAIT)[number];
};

/**
 * @param call the one that goes on
 * @returns the very call where nothing changes
 * @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN of whoever does not moderate it, or moderates whom he would put out; HOME_CALL_LOCKED,
 * HOME_CALL_BARRED, HOME_LOBBY_FULL of whoever knocks
 */
export function moderated(state: Statement, call: Call, operation: ModeratingOperation, now: number): Call {
  const actor = personInCall(state, operation.actor);
  if (operation.type === 'knock') return knocked(call, actor, now);
  if (operation.type === 'stopKnocking') return withoutWaiting(call, (user) => user === actor.user);
  // Whom the hub's administrator has put out decides nothing in there, whatever his role is.
  if (!moderates(call, actor) || entryOf(call, actor) === 'barred')
    throw new HawserError('HOME_FORBIDDEN', 'moderateCall');
  const before = call.moderation ?? moderationBy(actor.user, now);
  switch (operation.type) {
    case 'ruleCall':
      return ruled(call, before, operation, now);
    case 'muteInCall':
      return muted(call, before, operation.participant, actor.user, now);
    case 'putOutOfCall': {
      const out = peopleInCall(state).find((member) => member.user === operation.user);
      if (!out) throw new HawserError('HOME_NOT_FOUND', 'user');
      if (moderates(call, out)) throw new HawserError('HOME_FORBIDDEN', 'moderateCall');
      return entryOf(call, out) === 'barred' ? call : without(call, before, out.user, actor.user);
    }
    case 'letIntoCall': {
      const { user } = operation;
      const comes = personInCall(state, user);
      if (entryOf(call, comes) === 'open') return call;
      const moderation = {
        ...before,
        admitted: [...before.admitted.filter((each) => each !== user), user].slice(-MAX_ADMITTED),
        barred: before.barred.filter((each) => each.user !== user),
        waiting: before.waiting.filter((each) => each.user !== user),
      };
      return { ...call, moderation };
    }
  }
}

/** What whoever runs the hub does in a call, from outside of it. */
export type OfficeAct =
  | { readonly type: 'endCall'; readonly conference: ConferenceId }
  | { readonly type: 'muteInCall'; readonly conference: ConferenceId; readonly participant?: ParticipantId }
  | { readonly type: 'putOutOfCall'; readonly conference: ConferenceId; readonly user: UserId };

/**
 * The same by whoever runs the hub, who puts out also those who moderate.
 * @param by stands for him, see `officeOf`
 * @throws HawserError HOME_NOT_FOUND of whoever is not in it
 */
export function moderatedByOffice(
  state: Statement,
  call: Call,
  act: Exclude<OfficeAct, { type: 'endCall' }>,
  by: UserId,
  now: number,
): Call {
  const before = call.moderation ?? moderationBy(by, now);
  if (act.type === 'muteInCall') return muted(call, before, act.participant, by, now);
  if (!peopleInCall(state).some(({ user }) => user === act.user)) throw new HawserError('HOME_NOT_FOUND', 'user');
  return without(call, before, act.user, by);
}

/** Those who did not knock again for a while do not wait any more. */
export function withoutLapsed(call: Call, now: number): Call {
  const { moderation } = call;
  if (!moderation) return call;
  const waiting = moderation.waiting.filter(({ until }) => until > now);
  return waiting.length === moderation.waiting.length ? call : { ...call, moderation: { ...moderation, waiting } };
}

/** People who are out of the conversation are out of what was decided about them too, and guests with the last one of their domain. */
export function withoutPeople(call: Call, isGone: (user: UserId) => boolean): Call {
  const { moderation, guests } = call;
  if (!moderation) return call;
  return {
    ...call,
    ...(guests && { guests: guests.filter(({ user }) => !isGone(user)) }),
    moderation: {
      ...moderation,
      admitted: moderation.admitted.filter((user) => !isGone(user)),
      barred: moderation.barred.filter(({ user }) => !isGone(user)),
      waiting: moderation.waiting.filter(({ user }) => !isGone(user)),
    },
  };
}

function muted(call: Call, before: Moderation, participant: ParticipantId | undefined, by: UserId, now: number): Call {
  if (participant !== undefined && !call.members.some((member) => member.participant === participant)) return call;
  return {
    ...call,
    moderation: { ...before, muted: { by, at: now, ...(participant !== undefined && { participant }) } },
  };
}

function without(call: Call, before: Moderation, user: UserId, by: UserId): Call {
  const moderation = {
    ...before,
    admitted: before.admitted.filter((each) => each !== user),
    barred: [...before.barred.filter((each) => each.user !== user), { user, by }].slice(-MAX_BARRED),
    waiting: before.waiting.filter((each) => each.user !== user),
  };
  return { ...call, moderation, members: call.members.filter((member) => member.user !== user) };
}

function ruled(call: Call, before: Moderation, operation: Operation & { type: 'ruleCall' }, now: number): Call {
  const rules = { ...before.rules, ...operation.rules };
  const isSame = Object.entries(rules).every(([rule, value]) => before.rules[rule as keyof typeof rules] === value);
  if (isSame && call.moderation) return call;
  const isClosed = rules.lobby || rules.locked;
  const wasClosed = before.rules.lobby || before.rules.locked;
  // Who is in stays in, also when his connection breaks and he comes again.
  const present = [...new Set(call.members.map(({ user }) => user))];
  const isGuest = (user: UserId) => isGuestOf(call, user);
  // A guest who was let in needs no lobby to have been let in by.
  const guests = before.admitted.filter(isGuest);
  const admitted = isClosed ? (wasClosed ? before.admitted : [...new Set([...present, ...guests])]) : guests;
  // Without a lobby nobody but guests waits: the door is open, or shut.
  const waits = ({ user }: Waiting) => !rules.locked && (rules.lobby || isGuest(user));
  const waiting = before.waiting.filter(waits);
  return { ...call, moderation: { ...before, rules, admitted, waiting, by: operation.actor, at: now } };
}

function knocked(call: Call, actor: Statement['members'][number], now: number): Call {
  const { moderation } = call;
  const entry = entryOf(call, actor);
  if (!moderation || entry === 'open') return call;
  if (entry === 'locked') throw new HawserError('HOME_CALL_LOCKED');
  if (entry === 'barred') throw new HawserError('HOME_CALL_BARRED');
  const { user, name } = actor;
  const known = moderation.waiting.find((each) => each.user === user);
  if (known && known.until - now > WAITING_MS / 2) return call;
  if (!known && moderation.waiting.length >= MAX_WAITING) throw new HawserError('HOME_LOBBY_FULL');
  const until = now + WAITING_MS;
  const waiting = known
    ? moderation.waiting.map((each) => (each === known ? { ...each, until } : each))
    : [...moderation.waiting, { user, name, until }];
  return { ...call, moderation: { ...moderation, waiting } };
}

function withoutWaiting(call: Call, isGone: (user: UserId) => boolean): Call {
  const { moderation } = call;
  if (!moderation?.waiting.some(({ user }) => isGone(user))) return call;
  return { ...call, moderation: { ...moderation, waiting: moderation.waiting.filter(({ user }) => !isGone(user)) } };
}
