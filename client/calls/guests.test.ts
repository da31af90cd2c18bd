import { expect, test } from 'vitest';
import type { Conversation } from '#signalling/client-home.ts';
import type { ConferenceId, ConversationId, DomainName, ParticipantId, UserId } from '#signalling/ids.ts';
import { guestInWords, guestTokenIn, guestUrl, namedIn, peopleIn } from './guests.ts';

const domain = 'alpha.example' as DomainName;
const alice = { user: 'mimi://alpha.example/u/alice' as UserId, domain, name: 'Alice', role: 'admin' } as const;
const nina = { user: 'mimi://alpha.example/u/guest-1' as UserId, name: 'Nina', by: alice.user };
const inCall = (user: UserId, name: string, at: string) => ({
  participant: at.repeat(22) as ParticipantId,
  user,
  domain,
  name,
});
const call = {
  conference: 'c'.repeat(22) as ConferenceId,
  ...{ anchor: domain, startedBy: alice.user, startedAt: 1, guests: [nina] },
  members: [inCall(alice.user, 'Alice', 'A'), inCall(nina.user, 'Nina', 'N')],
};
const conversation: Conversation = {
  conversation: 'mimi://alpha.example/r/AAAAAAAAAAAAAAAAAAAAAA' as ConversationId,
  ...{ hub: domain, title: 'Ropes', members: [alice], call },
};

test('a guest is shown as one of the organisation that invited, to others and to himself', () => {
  const marked = { ...nina, domain, name: 'Nina, guest of alpha.example', role: 'guest', by: undefined };
  const { by: _by, ...shown } = marked;
  expect(peopleIn(conversation)).toEqual([alice, shown]);
  const his = { ...conversation, members: [alice, { user: nina.user, domain, name: 'Nina', role: 'guest' as const }] };
  expect(peopleIn(his)).toEqual([alice, shown]);
  expect(namedIn(call).map(({ name }) => name)).toEqual(['Alice', 'Nina, guest of alpha.example']);
});

test('what another organisation calls its guests is no mark of anybody else', () => {
  const user = 'mimi://beta.example/u/guest-1' as UserId;
  expect(guestInWords({ user, name: 'Alice ✓, of alpha.example' })).toBe('Somebody, guest of beta.example');
});

test('what is in a link is behind the #, and nothing else is taken for it', () => {
  const token = 'Ab_-'.repeat(8);
  const url = new URL(guestUrl('https://alpha.example', token));
  expect([url.pathname, url.search, guestTokenIn(url.hash)]).toEqual(['/guest', '', token]);
  for (const hash of ['', '#', `#${token}A`, `#${token.slice(1)}`, `${token}`])
    expect(guestTokenIn(hash)).toBeUndefined();
});
