import { expect, test } from 'vitest';
import type { DomainName, UserId } from '#signalling/ids.ts';
import type { NoticeChange } from '#signalling/notice.ts';
import { noticeWords } from './notice-words.ts';

const named = (name: string) => ({ user: `mimi://alpha.example/u/${name.toLowerCase()}` as UserId, name });
const [alice, bob, carol] = [named('Alice'), named('Bob'), named('Carol')];
const words = (change: NoticeChange) => noticeWords(change, { self: alice.user });

test.each<[NoticeChange, string]>([
  [{ type: 'added', who: bob, by: alice }, 'You added Bob.'],
  [{ type: 'added', who: alice, by: bob }, 'Bob added you.'],
  [{ type: 'removed', who: carol, by: bob }, 'Bob removed Carol.'],
  [{ type: 'left', who: carol }, 'Carol left.'],
  [{ type: 'role', who: bob, role: 'admin', by: alice }, 'You made Bob an administrator.'],
  [{ type: 'role', who: alice, role: 'member', by: bob }, 'Bob took the role of an administrator from you.'],
  [{ type: 'role', who: alice, role: 'member', by: alice }, 'You are no longer an administrator.'],
  [{ type: 'role', who: alice, role: 'admin' }, 'You are an administrator now, as nobody else was left to be one.'],
  [{ type: 'title', title: 'Masts', by: bob }, 'Bob renamed the conversation to “Masts”.'],
  [
    { type: 'parted', domain: 'beta.example' as DomainName },
    'Everybody of beta.example was taken out: the organisation that keeps this conversation does not work with theirs any more.',
  ],
  [
    { type: 'parted', domain: 'beta.example' as DomainName, over: true },
    'This conversation is over for you: it is kept by beta.example, and your organisation does not work with it any more.',
  ],
  [
    { type: 'undelivered', domain: 'beta.example' as DomainName, count: 3 },
    '3 messages did not reach beta.example, which was away for too long. Send them again if its people need them.',
  ],
  [
    { type: 'undelivered', domain: 'alpha.example' as DomainName, count: 1 },
    'One message did not reach your organisation, which was away for too long. Ask for it to be sent again.',
  ],
])('%j', (change, sentence) => {
  expect(words(change)).toBe(sentence);
});

test('whoever has no name that can be seen is called by the handle', () => {
  expect(words({ type: 'left', who: { ...bob, name: '\u202e' } })).toBe('bob left.');
});
