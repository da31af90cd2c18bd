import { expect, test } from 'vitest';
import type { Delivery } from '#client/messages/receipts.ts';
import type { Conversation } from '#signalling/client-home.ts';
import type { ConversationId, DomainName, UserId } from '#signalling/ids.ts';
import { timeOf } from '../lib/when.ts';
import { deliveryWords } from './delivery.tsx';
import { awayWords, bannerWords, foreignDomains } from './foreign-words.ts';
import { noticeWords } from './notice-words.ts';
import { calledOf, fullNameOf, peopleOf } from './people.ts';

const [alpha, beta, gamma] = ['alpha.example', 'beta.example', 'gamma.example'] as [DomainName, DomainName, DomainName];
const member = (handle: string, domain: DomainName) =>
  ({ user: `mimi://${domain}/u/${handle}` as UserId, domain, name: handle, role: 'member' }) as const;
const conversation: Conversation = {
  conversation: 'mimi://beta.example/r/0123456789abcdef012345' as ConversationId,
  hub: beta,
  title: 'Harbour',
  members: [member('alice', alpha), member('carl', gamma), member('bob', beta), member('ben', beta)],
};
const NOW = new Date(2026, 2, 1, 15, 30).getTime();
const SINCE = new Date(2026, 2, 1, 14, 2).getTime();

test('a banner where others read, in the words of the administrator if there are any', () => {
  const domains = foreignDomains(conversation, alpha);
  expect(domains).toEqual([beta, gamma]);
  expect(bannerWords(domains, undefined)).toBe(
    'This conversation leaves your organisation: people of beta.example and gamma.example read it too.',
  );
  expect(bannerWords(domains, 'not classified')).toBe('not classified · with beta.example and gamma.example');
  const own = { ...conversation, hub: alpha, members: [member('alice', alpha)] };
  expect(bannerWords(foreignDomains(own, alpha), 'not classified')).toBeUndefined();
});

test('which organisation cannot be reached, since when, and what that means', () => {
  const away = (domain: DomainName) => new Map([[domain, { unreachableSince: SINCE }]]);
  const words = (domain: DomainName) => awayWords(conversation, [beta, gamma], away(domain), NOW);
  expect(words(beta)).toEqual([
    `beta.example cannot be reached since ${timeOf(SINCE)}: what you write is delivered when it is back.`,
  ]);
  expect(words(gamma)[0]).toContain('what you write reaches its people when it is back.');
  expect(words(alpha)).toEqual([]);
  const refused = new Map([[beta, { unreachableSince: SINCE, refuses: true as const }]]);
  expect(awayWords(conversation, [beta], refused, NOW)).toEqual([
    `beta.example has not let your organisation in since ${timeOf(SINCE)}: what you write waits, and comes back to you after seven days. If that is not meant to be, ask your administrator.`,
  ]);
  expect(awayWords({ hub: gamma }, [beta], refused, NOW)[0]).toContain('its people do not get what you write.');
});

test('a message that waits says for whom, and since when', () => {
  const waiting = { state: 'waiting', domain: beta, since: SINCE } as const;
  const delivery: Delivery = { state: 'waiting', waiting, read: 0, delivered: 0, unreadable: 0, of: 3 };
  expect(deliveryWords(delivery, NOW)).toBe(`Waiting for beta.example since ${timeOf(SINCE)}`);
});

test('whoever is of another organisation is never named without it', () => {
  const people = peopleOf(conversation, member('alice', alpha).user);
  const [anna, bob] = [member('anna', alpha), member('bob', beta)];
  expect(calledOf(people, bob.user)).toBe('bob (beta.example)');
  expect(fullNameOf(people, anna.user)).toBe('anna');
  expect(noticeWords({ type: 'added', who: bob, by: anna }, people)).toBe('anna added bob (beta.example).');
  expect(noticeWords({ type: 'left', who: bob }, people)).toBe('bob (beta.example) left.');
});
