import { expect, test } from 'vitest';
import type { Call, Conversation } from '#signalling/client-home.ts';
import {
  type ConferenceId,
  type ConversationId,
  type DomainName,
  officeOf,
  type ParticipantId,
  type UserId,
} from '#signalling/ids.ts';
import { FREE, type Moderation } from '#signalling/moderation.ts';
import { muteInWords, nameOf, putOutInWords, rulesInWords } from './moderation-words.ts';

const user = (name: string, domain = 'alpha.example') => `mimi://${domain}/u/${name}` as UserId;
const [alice, anna, bob] = [user('alice'), user('anna'), user('bob', 'beta.example')];
const members = [
  { user: alice, name: 'Alice', domain: 'alpha.example' as DomainName, role: 'admin' as const },
  { user: anna, name: 'Anna', domain: 'alpha.example' as DomainName, role: 'member' as const },
  { user: bob, name: 'Bob', domain: 'beta.example' as DomainName, role: 'member' as const },
];
const participant = 'p'.repeat(22) as ParticipantId;

function call(moderation?: Partial<Moderation>): Call {
  const whole = { rules: FREE, by: alice, at: 1, admitted: [], barred: [], waiting: [] };
  return {
    conference: 'c'.repeat(22) as ConferenceId,
    anchor: 'alpha.example' as DomainName,
    startedBy: alice,
    startedAt: 0,
    members: [{ participant, user: bob, domain: 'beta.example' as DomainName, name: 'Bob' }],
    ...(moderation && { moderation: { ...whole, ...moderation } }),
  };
}

test('people are named with their organisation where it is another one', () => {
  expect(nameOf(bob, members, alice)).toBe('Bob of beta.example');
  expect(nameOf(anna, members, alice)).toBe('Anna');
  expect(nameOf(alice, members, alice)).toBe('you');
  expect(nameOf(user('gone'), members, alice)).toBe('gone');
});

test('what holds is said, with who decided it, and nothing where all may do all', () => {
  const words = (rules: Partial<Moderation['rules']>) =>
    rulesInWords(call({ rules: { ...FREE, ...rules } }), members, bob);
  expect(words({})).toBeUndefined();
  expect(rulesInWords(call(), members, bob)).toBeUndefined();
  expect(words({ speak: 'moderators', film: 'moderators', share: 'moderators' })).toBe(
    'Only those who moderate may speak, show video and share their screen. Decided by Alice of alpha.example.',
  );
  expect(words({ lobby: true })).toBe('Whoever comes waits to be let in. Decided by Alice of alpha.example.');
  expect(words({ lobby: true, locked: true })).toBe(
    'The call is locked: nobody comes in. Decided by Alice of alpha.example.',
  );
});

test('who muted whom is said to everybody', () => {
  const all = { muted: { by: alice, at: 5 } };
  expect(muteInWords(call(all), members, bob)).toBe('Alice of alpha.example muted everybody.');
  expect(muteInWords(call(all), members, alice)).toBe('You muted everybody else.');
  const one = { muted: { by: alice, at: 5, participant } };
  expect(muteInWords(call(one), members, bob)).toBe('Alice of alpha.example muted you.');
  expect(muteInWords(call(one), members, anna)).toBe('Alice muted Bob of beta.example.');
  expect(muteInWords(call(), members, bob)).toBeUndefined();
});

test('where an administrator decided from outside, that is said, and of which organisation', () => {
  const office = officeOf('alpha.example' as DomainName);
  const all = call({ muted: { by: office, at: 5 } });
  expect(muteInWords(all, members, alice)).toBe('The administrator muted everybody.');
  expect(muteInWords(all, members, bob)).toBe('The administrator of alpha.example muted everybody.');
});

test('somebody who has the handle of an administrator since before it was kept is shown by his name', () => {
  const adam = {
    user: user('administrator'),
    name: 'Adam',
    domain: 'alpha.example' as DomainName,
    role: 'member' as const,
  };
  const all = call({ muted: { by: adam.user, at: 5 } });
  expect(muteInWords(all, [...members, adam], alice)).toBe('Adam muted everybody.');
});

test('whoever was put out learns by whom, and any other end keeps its words', () => {
  const conversation = (moderation: Partial<Moderation>): Conversation => ({
    conversation: 'mimi://alpha.example/r/AAAAAAAAAAAAAAAAAAAAAA' as ConversationId,
    hub: 'alpha.example' as DomainName,
    title: 'Ropes',
    members,
    call: call(moderation),
  });
  const removed = { code: 'SFT_REMOVED', sentence: 'You were removed from the call.', retry: false };
  const out = conversation({ barred: [{ user: bob, by: alice }] });
  expect(putOutInWords(removed, out, bob).sentence).toMatch(/^Alice of alpha\.example put you out of the call\./);
  expect(putOutInWords(removed, conversation({}), bob)).toBe(removed);
  expect(putOutInWords({ ...removed, code: 'HOME_NO_CALL' }, out, bob)).toMatchObject({ code: 'HOME_NO_CALL' });
});
