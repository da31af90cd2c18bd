/** What is known of another organisation, in words. Pure. */
import { failureOfCode } from '#client/failure.ts';
import type { PeerLimitsSet, PeerReport } from '#signalling/administration.ts';
import { durationOf, fullWhen, shortWhen } from '../lib/when.ts';

const STATES: Readonly<Record<PeerReport['state'], string>> = {
  allowed: 'Allowed',
  limited: 'Allowed, with limits',
  blocked: 'Blocked',
  unreachable: 'Cannot be reached',
  refused: 'Does not allow us',
  parting: 'Its people are being taken out',
  'keys-wait': 'Came back with other keys',
};

/** @param now ms since 1970, as everywhere here */
export function stateWords({ state, listed, since }: PeerReport, now: number): string {
  const words = state === 'refused' && !listed ? 'Not allowed, has knocked' : STATES[state];
  return since === undefined ? words : `${words} since ${shortWhen(since, now)}`;
}

/** Why, and what to do about it. */
export function reasonOf({ code, listed, state }: PeerReport): string | undefined {
  if (state === 'parting') return undefined;
  if (!listed) return 'Its homeserver has tried to connect. Allow it if you know who that is.';
  if (code === 'FED_UNREACHABLE') return 'It does not answer. What waits for it goes out by itself when it does.';
  if (code === 'FED_KEY_WAITS') return 'Its administrator knows whether it has new ones. Compare them by telephone.';
  if (code === 'FED_REFUSED') return 'Ask its administrator to allow your organisation.';
  return code === undefined ? undefined : failureOfCode(code).sentence;
}

/** How far the parting is, where it goes on. */
export function partingWords({ parting }: PeerReport): string | undefined {
  if (!parting || parting.conversations === 0) return undefined;
  const { conversations, done } = parting;
  return `${done} of ${conversations} ${conversations === 1 ? 'conversation' : 'conversations'} done`;
}

/** Of the authority that lasts longest, and of the certificate that was shown. */
export function endsWords({ authorities, certificateEndsAt }: PeerReport): string[] {
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  const authority =
    authorities.length > 0 ? [`Authority ${day(Math.max(...authorities.map((each) => each.endsAt)))}`] : [];
  return certificateEndsAt === undefined ? authority : [...authority, `Server ${day(certificateEndsAt)}`];
}

export function waitingWords({ waiting: { count, oldestAt } }: PeerReport, now: number): string {
  if (count === 0) return 'Nothing';
  return oldestAt === undefined ? `${count}` : `${count}, for ${durationOf(Math.max(0, (now - oldestAt) / 1000))}`;
}

export function refusedWords({ lastHour: { refusals } }: PeerReport): string[] {
  return refusals.map(({ code, count }) => `${count} × ${code}`);
}

export const LIMITS = [
  ['sendMbit', 'Mbit/s to it'],
  ['receiveMbit', 'Mbit/s from it'],
  ['sources', 'cameras, microphones and screens of it'],
  ['conferences', 'calls shared with it'],
  ['participants', 'of its people in calls'],
] as const satisfies readonly (readonly [keyof PeerLimitsSet, string])[];

export function limitsWords({ limits }: PeerReport): string[] {
  return LIMITS.flatMap(([name, words]) => (limits[name] === undefined ? [] : [`at most ${limits[name]} ${words}`]));
}

export const SEARCHES = [
  ['none', 'nobody'],
  ['exact', 'whom they know the whole handle of'],
  ['full', 'everybody, also by parts of names'],
] as const satisfies readonly (readonly [PeerReport['may']['search'], string])[];

/** What it may do, where that is not what is so at first. */
export function scopeWords({ may: { messages, calls, search }, listed }: PeerReport): string[] {
  if (!listed) return [];
  return [
    ...(messages ? [] : ['no messages and files']),
    ...(calls ? [] : ['no calls']),
    ...(search === 'none' ? ['its people find nobody here'] : []),
    ...(search === 'full' ? ['its people find everybody here'] : []),
  ];
}

export function heardWords({ reachedAt }: PeerReport, now: number): string | undefined {
  return reachedAt === undefined ? undefined : `Last answer: ${fullWhen(reachedAt, now)}`;
}

export function lastHourWords({ messagesIn, messagesOut, calls }: PeerReport['lastHour']): string[] {
  return [`${messagesIn} messages in`, `${messagesOut} out`, `${calls} ${calls === 1 ? 'call' : 'calls'}`];
}
