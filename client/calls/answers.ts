/** What people said to a call that rings, by call and by person. Pure. */
import type { ConferenceId, UserId } from '#signalling/ids.ts';
import type { CallAnswer, CallSignal } from '../content/call-signal.ts';

export type CallAnswers = ReadonlyMap<ConferenceId, ReadonlyMap<UserId, CallSignal>>;

/** Calls of which it is kept: whoever is in more conversations than that is called in them one after the other. */
const MOST = 64;

/** Who has answered does not ring any more, and whoever declined or was busy may still come; what is said again changes nothing. */
export function withAnswer(answers: CallAnswers, user: UserId, { conference, signal }: CallAnswer): CallAnswers {
  const before = answers.get(conference)?.get(user);
  if (before !== undefined && rankOf(before) >= rankOf(signal)) return answers;
  const own = new Map(answers.get(conference)).set(user, signal);
  const others = [...answers].filter(([each]) => each !== conference);
  return new Map([...others.slice(-(MOST - 1)), [conference, own]]);
}

const ORDER: readonly CallSignal[] = ['ringing', 'busy', 'declined', 'accepted', 'moved'];

function rankOf(signal: CallSignal): number {
  return ORDER.indexOf(signal);
}

export function answersTo(answers: CallAnswers, conference: ConferenceId): ReadonlyMap<UserId, CallSignal> {
  return answers.get(conference) ?? new Map();
}
