import { describe, expect, it } from 'vitest';
import type { Summary } from '#client/following.ts';
import { OWN_CONVERSATION } from '#client/own-conversation.ts';
import type { Call, Conversation } from '#signalling/client-home.ts';
import type { ConversationId, DomainName, UserId } from '#signalling/ids.ts';
import { countedOf, listsOf } from './order.ts';

const ALICE = 'mimi://alpha.example/u/alice' as UserId;
const DOMAIN = 'alpha.example' as DomainName;
const call = { members: [] } as unknown as Call;
const idOf = (title: string) => `mimi://alpha.example/r/${title.padEnd(16, '0')}` as ConversationId;
const conversation = (title: string, more: Partial<Conversation> = {}): Conversation => ({
  conversation: idOf(title),
  hub: DOMAIN,
  title,
  members: [{ user: ALICE, domain: DOMAIN, name: 'Alice', role: 'admin' }],
  ...more,
});
const summary = (lastAt: number, more: Partial<Summary> = {}): Summary => ({
  lastAt,
  unread: { messages: 3, mentions: 1 },
  settings: {},
  ...more,
});

describe('the list', () => {
  it('has calls first, then what was said last, then names, and hides what the own devices tell each other', () => {
    const all = ['b', 'a', 'old', 'new'].map((title) => conversation(title));
    const inCall = conversation('call', { call });
    const own = conversation(OWN_CONVERSATION);
    const summaries = new Map([
      [idOf('old'), summary(1)],
      [idOf('new'), summary(2)],
    ]);
    const { current, archived } = listsOf([...all, own, inCall], summaries, ALICE);
    expect(current.map(({ conversation: { title } }) => title)).toEqual(['call', 'new', 'old', 'a', 'b']);
    expect(archived).toEqual([]);
  });

  it('has archived ones apart, but not while a call goes on in them', () => {
    const settings = { archived: true };
    const summaries = new Map([
      [idOf('a'), summary(1, { settings })],
      [idOf('b'), summary(1, { settings })],
    ]);
    const { current, archived } = listsOf([conversation('a'), conversation('b', { call })], summaries, ALICE);
    expect(current.map(({ conversation: { title } }) => title)).toEqual(['b']);
    expect(archived.map(({ conversation: { title } }) => title)).toEqual(['a']);
  });
});

it('counts as much as somebody wants to hear', () => {
  const muted = (value: NonNullable<Summary['settings']['muted']>) =>
    countedOf(summary(1, { settings: { muted: value } }));
  expect(countedOf(summary(1))).toEqual({ messages: 3, mentions: 1 });
  expect(muted('nothing')).toEqual({ messages: 3, mentions: 1 });
  expect(muted('all-but-mentions')).toEqual({ messages: 1, mentions: 1 });
  expect(muted('all')).toEqual({ messages: 0, mentions: 0 });
  expect(countedOf(undefined)).toEqual({ messages: 0, mentions: 0 });
});
