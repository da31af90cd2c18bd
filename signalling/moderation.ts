/**
 * What those who moderate a call have decided about it: who may speak, show video and share, who comes in, who is out and who was
 * muted. Homeservers decide by it, SFTs are told what follows from it, and the pages show it with who decided.
 */
import Type, { type Static } from 'typebox';
import { type Capability, may, type Role } from './capabilities.ts';
import { Closed, Word } from './contract.ts';
import { domainOfOffice, ParticipantId, UserId } from './ids.ts';
import type { Permission } from './ticket.ts';

/** ms since 1970. */
const Time = Type.Integer({ minimum: 0 });
const Name = Type.String({ minLength: 1, maxLength: 80, pattern: '^[^\\u0000-\\u001f\\u007f]+$' });

/** Who may do something in a call, of those whose role lets them do it. */
export const Freedom = Word('everybody', 'moderators');
export type Freedom = Static<typeof Freedom>;

export const CallRules = Closed({
  speak: Freedom,
  film: Freedom,
  share: Freedom,
  /** Whoever comes waits until somebody who moderates lets him in. */
  lobby: Type.Boolean(),
  /** Nobody comes in any more, and nobody waits. Whoever was in it may come back. */
  locked: Type.Boolean(),
});
export type CallRules = Static<typeof CallRules>;

/** What is to be changed of them. */
export const CallRulesChange = Type.Partial(CallRules, { additionalProperties: false });
export type CallRulesChange = Static<typeof CallRulesChange>;

export const MAX_ADMITTED = 1_000;
export const MAX_BARRED = 1_000;
/** Most people who wait for one call at the same time. */
export const MAX_WAITING = 100;
/** How long somebody waits who does not knock again, ms. */
export const WAITING_MS = 5 * 60_000;

export const Waiting = Closed({ user: UserId, name: Name, until: Time });
export type Waiting = Static<typeof Waiting>;

export const Moderation = Closed({
  rules: CallRules,
  /** Who changed the rules last, and when. */
  by: UserId,
  at: Time,
  /** While there is a lobby or a lock: who may come in all the same. */
  admitted: Type.Array(UserId, { maxItems: MAX_ADMITTED }),
  /** Who was put out, or turned away, and by whom; until somebody who moderates lets them in. */
  barred: Type.Array(Closed({ user: UserId, by: UserId }), { maxItems: MAX_BARRED }),
  waiting: Type.Array(Waiting, { maxItems: MAX_WAITING }),
  /** Who muted microphones last; everybody's but the own one, where no participant is named. */
  muted: Type.Optional(Closed({ by: UserId, at: Time, participant: Type.Optional(ParticipantId) })),
});
export type Moderation = Static<typeof Moderation>;

export const FREE: CallRules = {
  speak: 'everybody',
  film: 'everybody',
  share: 'everybody',
  lobby: false,
  locked: false,
};

/** A call, as far as it is moderated. */
export interface ModeratedCall {
  readonly startedBy: UserId;
  readonly moderation?: Moderation | undefined;
  readonly guests?: readonly { readonly user: UserId }[] | undefined;
}

/** Somebody in the conversation. */
interface Person {
  readonly user: UserId;
  readonly role: Role;
}

/** Whoever administers the conversation, and whoever started the call. */
export function moderates({ startedBy }: ModeratedCall, { user, role }: Person): boolean {
  return may(role, 'moderateCall') || (user === startedBy && role !== 'guest');
}

/** What is sent in a call: by what it takes of the role, and by which rule of the call. */
const SENDING = {
  audio: { capability: 'sendAudio', rule: 'speak' },
  video: { capability: 'sendVideo', rule: 'film' },
  screen: { capability: 'shareScreen', rule: 'share' },
} as const satisfies Record<Permission, { capability: Capability; rule: keyof CallRules }>;

const PERMISSIONS = Object.keys(SENDING) as Permission[];

export function maySend(call: ModeratedCall, person: Person, permission: Permission): boolean {
  const { capability, rule } = SENDING[permission];
  const freedom = call.moderation?.rules[rule] ?? 'everybody';
  return may(person.role, capability) && (freedom === 'everybody' || moderates(call, person));
}

/** All that somebody may send in the call. */
export function permissionsIn(call: ModeratedCall, person: Person): Permission[] {
  return PERMISSIONS.filter((permission) => maySend(call, person, permission));
}

/** What somebody may send of whom nothing is known but that he is in the call. */
export function permissionsOfAnybody({ moderation }: ModeratedCall): Permission[] {
  return PERMISSIONS.filter((permission) => moderation?.rules[SENDING[permission].rule] !== 'moderators');
}

/**
 * Whether somebody comes in, waits for whoever moderates, or stays out.
 * `locked`: nobody comes in now. `barred`: he was put out or turned away.
 */
export type Entry = 'open' | 'lobby' | 'locked' | 'barred';

export function entryOf(call: ModeratedCall, person: Person): Entry {
  const { moderation } = call;
  // Guests wait also where nobody else does.
  const isGuest = isGuestOf(call, person.user);
  if (!moderation) return isGuest ? 'lobby' : 'open';
  const { rules, admitted, barred } = moderation;
  const bar = barred.find(({ user }) => user === person.user);
  // Those who moderate cannot put each other out; whoever runs the hub can.
  if (moderates(call, person) && !(bar && domainOfOffice(bar.by) !== undefined)) return 'open';
  if (bar) return 'barred';
  if (admitted.includes(person.user)) return 'open';
  if (rules.locked) return 'locked';
  return rules.lobby || isGuest ? 'lobby' : 'open';
}

/** Whether somebody was invited to this call alone. */
export function isGuestOf({ guests }: ModeratedCall, user: UserId): boolean {
  return guests?.some((guest) => guest.user === user) === true;
}
