/** What was decided in a call, and by whom, in words. Pure. */
import { peopleIn } from '#client/calls/guests.ts';
import type { Failure } from '#client/failure.ts';
import type { Call, Conversation, Member } from '#signalling/client-home.ts';
import { type DomainName, domainOf, domainOfOffice, handleOf, type UserId } from '#signalling/ids.ts';
import type { CallRules } from '#signalling/moderation.ts';
import { plain } from '../lib/plain.ts';

const OFFICE = 'the administrator';

/** Somebody, with the organisation where it is another one than `self`'s; guests are called with theirs, see `peopleIn`. */
export function nameOf(
  user: UserId,
  members: readonly (Pick<Member, 'user' | 'name'> & Partial<Pick<Member, 'role'>>)[],
  self: UserId,
): string {
  if (user === self) return 'you';
  const office = domainOfOffice(user);
  if (office !== undefined) return office === domainOf(self) ? OFFICE : `${OFFICE} of ${office}`;
  const member = members.find((each) => each.user === user);
  const name = plain(member?.name ?? handleOf(user));
  if (member?.role === 'guest') return name;
  return domainOf(user) === domainOf(self) ? name : `${name} of ${domainOf(user)}`;
}

/** Somebody in the call, with the organisation where it is another one; the names of guests say it themselves. */
export function participantInWords(
  { domain, foreign }: { readonly domain: DomainName; readonly foreign: boolean },
  called: string,
): string {
  const name = plain(called);
  return foreign && !name.endsWith(` of ${domain}`) ? `${name} of ${domain}` : name;
}

const ONLY: readonly (readonly [keyof CallRules, string])[] = [
  ['speak', 'speak'],
  ['film', 'show video'],
  ['share', 'share their screen'],
];

/** What everybody in the call is shown for as long as it holds; undefined where all may do all. */
export function rulesInWords({ moderation }: Call, members: readonly Member[], self: UserId): string | undefined {
  if (!moderation) return undefined;
  const { rules, by } = moderation;
  const only = ONLY.flatMap(([rule, words]) => (rules[rule] === 'moderators' ? [words] : []));
  const lines = [
    ...(only.length > 0 ? [`Only those who moderate may ${listed(only)}.`] : []),
    ...(rules.locked ? ['The call is locked: nobody comes in.'] : []),
    ...(rules.lobby && !rules.locked ? ['Whoever comes waits to be let in.'] : []),
  ];
  return lines.length === 0 ? undefined : `${lines.join(' ')} Decided by ${nameOf(by, members, self)}.`;
}

/** Who muted whom last, as one person sees it; undefined where it did not concern him, and he did not do it. */
export function muteInWords(
  { moderation, members: inCall }: Call,
  members: readonly Member[],
  self: UserId,
): string | undefined {
  const muted = moderation?.muted;
  if (!muted) return undefined;
  const whom = inCall.find(({ participant }) => participant === muted.participant)?.user;
  const by = sentence(nameOf(muted.by, members, self));
  if (muted.participant === undefined) return `${by} muted everybody${muted.by === self ? ' else' : ''}.`;
  return whom === undefined ? undefined : `${by} muted ${nameOf(whom, members, self)}.`;
}

/** Why a call is over for one person; where he was put out, by whom. */
export function putOutInWords(reason: Failure, conversation: Conversation | undefined, self: UserId): Failure {
  if (!isPutOut(reason)) return reason;
  const by = barrerOf(conversation, self);
  if (by === undefined || !conversation) return reason;
  const name = nameOf(by, peopleIn(conversation), self);
  return {
    ...reason,
    sentence: `${sentence(name)} put you out of the call. Only whoever moderates it can let you in again: ask them.`,
  };
}

/** Whether somebody was put out of a call, or came while he was out. */
export function isPutOut({ code }: Failure): boolean {
  return code === 'SFT_REMOVED' || code === 'HOME_CALL_BARRED';
}

/** Who put somebody out of the call that goes on; undefined where nobody did, or he was let in again. */
export function barrerOf(conversation: Conversation | undefined, self: UserId): UserId | undefined {
  return conversation?.call?.moderation?.barred.find(({ user }) => user === self)?.by;
}

function sentence(name: string): string {
  return name === 'you' ? 'You' : name.startsWith(OFFICE) ? `T${name.slice(1)}` : name;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
