import { expect, test } from 'vitest';
import type { LoggedCall } from '#client/calls/log.ts';
import type { Conversation } from '#signalling/client-home.ts';
import { type ConferenceId, type ConversationId, domainOf, type UserId } from '#signalling/ids.ts';
import { linesOf } from './lines.ts';

const [alice, bob, carol] = ['alpha/u/alice', 'beta/u/bob', 'alpha/u/carol'].map(
  (each) => `mimi://${each.replace('/', '.example/')}` as UserId,
) as [UserId, UserId, UserId];
const room = (name: string) => `mimi://alpha.example/r/${name.repeat(22)}` as ConversationId;

function conversation(id: ConversationId, title: string, ...people: readonly [UserId, string][]): Conversation {
  const members = people.map(([user, name]) => ({ user, name, domain: domainOf(user), role: 'member' as const }));
  return { conversation: id, hub: domainOf(alice), title, members };
}

const pair = conversation(room('A'), 'Harbour', [alice, 'Alice'], [bob, 'Bob\u202e']);
const crew = conversation(room('B'), 'Crew', [alice, 'Alice'], [bob, 'Bob'], [carol, 'Carol']);

function call(name: string, change: Partial<LoggedCall>): [ConferenceId, LoggedCall] {
  const conference = name as ConferenceId;
  return [
    conference,
    { conference, conversation: pair.conversation, by: bob, at: 1_000, outcome: 'missed', ...change },
  ];
}

const lines = (...calls: [ConferenceId, LoggedCall][]) => linesOf(new Map(calls), [pair, crew], alice);

test('the newest stands first, with whom it was, of which organisation, and what came of it', () => {
  const shown = lines(
    call('one', { outcome: 'missed', endedAt: 9_000 }),
    call('two', { outcome: 'answered', endedAt: 301_000 }),
    call('three', { conversation: crew.conversation, by: carol, outcome: 'declined' }),
    call('four', { by: alice, outcome: 'unanswered' }),
    call('five', { conversation: crew.conversation, by: alice, outcome: 'answered', endedAt: 61_000 }),
  );
  expect(shown.map(({ title, foreign, direction, words }) => [title, foreign.join(), direction, words])).toEqual([
    ['Crew', 'beta.example', 'outgoing', 'You called. Answered, 1 minute.'],
    ['Bob', 'beta.example', 'outgoing', 'You called. Nobody answered.'],
    ['Crew', 'beta.example', 'incoming', 'Carol called. Incoming call, declined by you.'],
    ['Bob', 'beta.example', 'incoming', 'Incoming call, answered, 5 minutes.'],
    ['Bob', 'beta.example', 'incoming', 'Missed call.'],
  ]);
  expect(shown.map(({ missed }) => missed)).toEqual([false, false, false, false, true]);
});

test('who may call is asked to call back, and a call that goes on is joined', () => {
  expect(lines(call('one', {}))[0]).toMatchObject({ act: 'start', isOpen: true });
  const ongoing = {
    conference: 'one' as ConferenceId,
    anchor: domainOf(bob),
    startedBy: bob,
    startedAt: 1,
    members: [],
  };
  const [line] = linesOf(new Map([call('one', { outcome: 'open' })]), [{ ...pair, call: ongoing }], alice);
  expect(line).toMatchObject({ act: 'join', words: 'It goes on now.' });
  const observer = { ...pair, members: pair.members.map((each) => ({ ...each, role: 'guest' as const })) };
  expect(linesOf(new Map([call('one', {})]), [observer], alice)[0]).not.toHaveProperty('act');
});

test('of a conversation that one has left the call stays in the list, and nothing can be done with it', () => {
  const [line] = linesOf(new Map([call('one', {})]), [], alice);
  expect(line).toMatchObject({
    title: 'A conversation that you are not in any more',
    words: 'Somebody called. Missed call.',
    foreign: ['beta.example'],
    isOpen: false,
  });
  expect(line).not.toHaveProperty('act');
});

test('a call that seems to have ended before it began lasted a second', () => {
  expect(lines(call('one', { outcome: 'answered', endedAt: 10 }))[0]?.words).toBe('Incoming call, answered, 1 second.');
});
