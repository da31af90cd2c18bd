import { expect, test } from 'vitest';
import type { ConferenceId, UserId } from '#signalling/ids.ts';
import type { CallSignal } from '../content/call-signal.ts';
import { answersTo, type CallAnswers, withAnswer } from './answers.ts';

const bob = 'mimi://beta.example/u/bob' as UserId;
const call = (number: number) => `${number}`.padStart(22, 'A') as ConferenceId;
const said = (...signals: CallSignal[]) =>
  signals.reduce<CallAnswers>((all, signal) => withAnswer(all, bob, { conference: call(1), signal }), new Map());

test('the last thing that counts is kept: of several devices one accepts, the others only ring', () => {
  expect(answersTo(said('ringing', 'accepted', 'ringing'), call(1)).get(bob)).toBe('accepted');
  expect(answersTo(said('busy', 'declined'), call(1)).get(bob)).toBe('declined');
  expect(answersTo(said('declined', 'accepted'), call(1)).get(bob)).toBe('accepted');
  expect(answersTo(said(), call(1)).size).toBe(0);
});

test('what changes nothing is the same value', () => {
  const before = said('declined');
  expect(withAnswer(before, bob, { conference: call(1), signal: 'ringing' })).toBe(before);
});

test('calls of long ago are forgotten', () => {
  let all: CallAnswers = new Map();
  for (let number = 0; number < 100; number++) all = withAnswer(all, bob, { conference: call(number), signal: 'busy' });
  expect(all.size).toBe(64);
  expect(answersTo(all, call(0)).size).toBe(0);
  expect(answersTo(all, call(99)).get(bob)).toBe('busy');
});
