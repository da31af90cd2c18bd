/** What the list of calls says about each: with whom, which way, what came of it. Pure. */
import type { Calls as Logged, LoggedCall } from '#client/calls/log.ts';
import { may } from '#signalling/capabilities.ts';
import type { Conversation } from '#signalling/client-home.ts';
import { type ConferenceId, type ConversationId, type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import { nameOf, peopleOf } from '../chat/people.ts';
import { plain } from '../lib/plain.ts';
import { durationOf } from '../lib/when.ts';

/** What can be done from the list; a call that goes on is joined. */
export type Act = 'start' | 'join';

export interface CallLine {
  readonly conference: ConferenceId;
  readonly conversation: ConversationId;
  /** The other one where there are two, else the name of the conversation. */
  readonly title: string;
  /** Other organisations than one's own. */
  readonly foreign: readonly DomainName[];
  readonly direction: 'incoming' | 'outgoing';
  readonly missed: boolean;
  /** Who called where, and what came of it: one or two sentences. */
  readonly words: string;
  /** ms since 1970 */
  readonly at: number;
  /** Whether the conversation can be opened: this person is still in it. */
  readonly isOpen: boolean;
  /** Absent where this person may do neither. */
  readonly act?: Act;
}

/** Newest first. @param self this person */
export function linesOf(calls: Logged, conversations: readonly Conversation[], self: UserId): readonly CallLine[] {
  const known = new Map(conversations.map((each) => [each.conversation, each]));
  return [...calls.values()].reverse().map((call) => lineOf(call, known.get(call.conversation), self));
}

function lineOf(call: LoggedCall, conversation: Conversation | undefined, self: UserId): CallLine {
  const { conference, at, by, outcome } = call;
  const people = conversation && peopleOf(conversation, self);
  const others = people?.others ?? [];
  const isPair = others.length === 1;
  const caller = people ? nameOf(people, by) : 'Somebody';
  const domains = people ? others.map(domainOf) : by === self ? [] : [domainOf(by)];
  const act = conversation && actIn(conversation, self);
  const isOwn = by === self;
  // Who it was is the title already.
  const who = isOwn ? 'You called.' : isPair ? '' : `${caller} called.`;
  return {
    conference,
    conversation: call.conversation,
    title: titleOf(conversation, people, others),
    foreign: [...new Set(domains)].filter((domain) => domain !== domainOf(self)),
    direction: isOwn ? 'outgoing' : 'incoming',
    missed: outcome === 'missed',
    words: [who, cameOf(call, isOwn)].filter((each) => each !== '').join(' '),
    at,
    isOpen: conversation !== undefined,
    ...(act && { act }),
  };
}

function titleOf(
  conversation: Conversation | undefined,
  people: ReturnType<typeof peopleOf> | undefined,
  others: readonly UserId[],
): string {
  if (!conversation || !people) return 'A conversation that you are not in any more';
  const [other, more] = others;
  return other && !more ? nameOf(people, other) : plain(conversation.title);
}

function actIn({ call, members }: Conversation, self: UserId): Act | undefined {
  const role = members.find(({ user }) => user === self)?.role;
  if (call) return may(role, 'joinCall') ? 'join' : undefined;
  return may(role, 'startCall') ? 'start' : undefined;
}

function cameOf({ at, endedAt, outcome }: LoggedCall, isOwn: boolean): string {
  switch (outcome) {
    case 'open':
      return 'It goes on now.';
    case 'answered': {
      const kind = isOwn ? 'Answered' : 'Incoming call, answered';
      return endedAt === undefined ? `${kind}; it goes on now.` : `${kind}, ${lengthOf(endedAt - at)}.`;
    }
    case 'declined':
      return 'Incoming call, declined by you.';
    case 'missed':
      return 'Missed call.';
    case 'unanswered':
      return 'Nobody answered.';
  }
}

/** Clocks of devices differ, so that it may seem to end before it began. */
function lengthOf(ms: number): string {
  return durationOf(Math.max(1, Math.round(ms / 1_000)));
}
