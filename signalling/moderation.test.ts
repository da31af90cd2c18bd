import { expect, test } from 'vitest';
import type { UserId } from './ids.ts';
import {
  type CallRules,
  entryOf,
  FREE,
  type Moderation,
  maySend,
  moderates,
  permissionsIn,
  permissionsOfAnybody,
} from './moderation.ts';

const user = (name: string) => `mimi://alpha.example/u/${name}` as UserId;
const admin = { user: user('ada'), role: 'admin' } as const;
const host = { user: user('hugo'), role: 'member' } as const;
const member = { user: user('mia'), role: 'member' } as const;
const guest = { user: user('gil'), role: 'guest' } as const;

const call = (rules: Partial<CallRules> = {}, rest: Partial<Moderation> = {}) => ({
  startedBy: host.user,
  moderation: { rules: { ...FREE, ...rules }, by: admin.user, at: 1, admitted: [], barred: [], waiting: [], ...rest },
});

test('whoever administers the conversation moderates, and whoever started the call, but no guest', () => {
  expect([admin, host, member, guest].map((each) => moderates(call(), each))).toEqual([true, true, false, false]);
  expect(moderates({ startedBy: guest.user }, guest)).toBe(false);
});

test('what is for those who moderate, others may not send', () => {
  const quiet = call({ speak: 'moderators', share: 'moderators' });
  expect(permissionsIn(quiet, host)).toEqual(['audio', 'video', 'screen']);
  expect(permissionsIn(quiet, member)).toEqual(['video']);
  expect(permissionsOfAnybody(quiet)).toEqual(['video']);
  expect(maySend(call({ film: 'moderators' }), member, 'video')).toBe(false);
});

test('a role that may not send something may not, whatever the rules say', () => {
  expect(permissionsIn(call(), guest)).toEqual(['audio', 'video']);
  expect(permissionsIn({ startedBy: host.user }, member)).toEqual(['audio', 'video', 'screen']);
});

test('a lobby and a lock hold all but those who moderate, and those who were let in', () => {
  expect(entryOf(call(), member)).toBe('open');
  expect(entryOf(call({ lobby: true }), member)).toBe('lobby');
  expect(entryOf(call({ lobby: true, locked: true }), member)).toBe('locked');
  expect(entryOf(call({ locked: true }, { admitted: [member.user] }), member)).toBe('open');
  expect(entryOf(call({ lobby: true, locked: true }), host)).toBe('open');
});

test('whoever was put out stays out, with a lobby or without', () => {
  const barred = [{ user: member.user, by: admin.user }];
  expect(entryOf(call({}, { barred }), member)).toBe('barred');
  expect(entryOf(call({ lobby: true }, { barred, admitted: [member.user] }), member)).toBe('barred');
});
