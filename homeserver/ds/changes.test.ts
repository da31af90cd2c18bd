import { expect, test } from 'vitest';
import type { CallMember, Statement } from '#signalling/federation.ts';
import type { ConferenceId, ConversationId, ParticipantId } from '#signalling/ids.ts';
import { domain, user } from '../testing/world.ts';
import { toldBy } from './changes.ts';
import { created } from './conversation.ts';

const alpha = domain('alpha.example');
const alice = user('@alice@alpha.example');
const bob = user('@bob@beta.example');
const carol = user('@carol@gamma.example');
const conversation = `mimi://${alpha}/r/AAAAAAAAAAAAAAAAAAAAAA` as ConversationId;
const conference = 'c'.repeat(22) as ConferenceId;

const quiet = created({
  conversation,
  title: 'Ropes',
  creator: { user: alice, name: 'Alice' },
  others: [{ user: bob, name: 'Bob' }],
});
const inCall = (...members: CallMember[]): Statement => ({
  ...quiet,
  call: { conference, anchor: alpha, startedBy: alice, startedAt: 1, members },
});
const here = (letter: string, who = bob): CallMember => ({
  participant: letter.repeat(22) as ParticipantId,
  user: who,
  domain: domain('beta.example'),
  name: 'Bob',
});
const brief = (before: Statement | undefined, after: Statement) =>
  toldBy({ before, after }).map(
    ({ user: who, event }) => `${who === alice ? 'alice' : who === bob ? 'bob' : 'carol'} ${event.type}`,
  );

test('a new conversation is told to every member', () => {
  expect(brief(undefined, quiet)).toEqual(['alice conversation', 'bob conversation']);
});

test('everybody but the caller is rung; the caller’s other devices see the call', () => {
  expect(brief(quiet, inCall())).toEqual(['alice conversation', 'bob ringing']);
});

test('whoever has blocked the caller sees the call and is not rung', () => {
  const told = toldBy({ before: quiet, after: inCall(), unrung: new Set([bob]) });
  expect(told.map(({ user: who, event }) => [who, event.type])).toEqual([
    [alice, 'conversation'],
    [bob, 'conversation'],
  ]);
  expect(told[1]?.event).toMatchObject({ conversation: { call: { conference } } });
});

test('who comes and who goes', () => {
  expect(brief(inCall(), inCall(here('b')))).toEqual(['alice joined', 'bob joined']);
  expect(brief(inCall(here('b')), inCall(here('x')))).toEqual(['alice left', 'alice joined', 'bob left', 'bob joined']);
});

test('the end of a call is told once, without everybody’s leaving', () => {
  expect(brief(inCall(here('b')), quiet)).toEqual(['alice ended', 'bob ended']);
});

test('where states in between were lost, the old call ends and the new one rings', () => {
  const other = {
    ...inCall(),
    call: { conference: 'd'.repeat(22) as ConferenceId, anchor: alpha, startedBy: alice, startedAt: 2, members: [] },
  };
  expect(brief(inCall(), other)).toEqual(['alice ended', 'alice conversation', 'bob ended', 'bob ringing']);
});

test('whoever is added during a call is shown the conversation and rung', () => {
  const call = inCall(here('b'));
  const member = { user: carol, domain: domain('gamma.example'), name: 'Carol', role: 'member' } as const;
  expect(brief(call, { ...call, members: [...call.members, member] })).toEqual([
    'alice conversation',
    'bob conversation',
    'carol conversation',
    'carol ringing',
  ]);
});

test('whoever is removed is told so', () => {
  expect(brief(quiet, { ...quiet, members: quiet.members.slice(0, 1) })).toEqual([
    'bob conversationRemoved',
    'alice conversation',
  ]);
});

test('the same again tells nobody anything', () => {
  expect(brief(inCall(here('b')), inCall(here('b')))).toEqual([]);
});
