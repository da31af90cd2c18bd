import { describe, expect, it } from 'vitest';
import type { Call, CallMember, Conversation, HomeEvent } from '#signalling/client-home.ts';
import type { ConferenceId, ConversationId, DomainName } from '#signalling/ids.ts';
import { EMPTY_HOME, type HomeState, silenced, withEvent, withList, withOrganisations } from './home-state.ts';

const room = 'mimi://alpha.example/r/0123456789abcdef' as ConversationId;
const conference = 'c' as ConferenceId;
const bob = { participant: 'p1', name: 'Bob' } as CallMember;
const call = { conference, members: [bob] } as unknown as Call;
const conversation = { conversation: room, title: 'Room', members: [] } as unknown as Conversation;
const listed = withList(EMPTY_HOME, [conversation]);
const stateAfter = (...events: object[]): HomeState =>
  events.reduce((state: HomeState, event) => withEvent(state, { conversation: room, ...event } as HomeEvent), listed);

describe('the state of the home', () => {
  it('rings, and stops when the call ends', () => {
    const ringing = stateAfter({ type: 'ringing', call });
    expect(ringing.ringing).toEqual([room]);
    expect(ringing.conversations[0]?.call).toEqual(call);
    const ended = withEvent(ringing, { type: 'ended', conversation: room, conference });
    expect(ended.ringing).toEqual([]);
    expect(ended.conversations[0]).not.toHaveProperty('call');
  });

  it('counts nobody twice when an event is repeated', () => {
    const joined = { type: 'joined', conference, member: { ...bob, participant: 'p2' } };
    const state = stateAfter({ type: 'ringing', call }, joined, joined);
    expect(state.conversations[0]?.call?.members.map(({ participant }) => participant)).toEqual(['p1', 'p2']);
    const left = withEvent(state, { type: 'left', conversation: room, conference, member: bob });
    expect(left.conversations[0]?.call?.members.map(({ participant }) => participant)).toEqual(['p2']);
  });

  it('ignores events of an earlier call', () => {
    const state = stateAfter({ type: 'ringing', call }, { type: 'ended', conference: 'older' });
    expect(state.conversations[0]?.call).toEqual(call);
    expect(stateAfter({ type: 'joined', conference, member: bob }).conversations[0]).not.toHaveProperty('call');
  });

  it('takes a new, a changed and a removed conversation', () => {
    const changed = stateAfter({ type: 'conversation', conversation: { ...conversation, title: 'New' } });
    expect(changed.conversations.map(({ title }) => title)).toEqual(['New']);
    expect(stateAfter({ type: 'conversationRemoved' }).conversations).toEqual([]);
  });

  it('stops ringing for what has no call any more when the list is fetched anew', () => {
    const ringing = stateAfter({ type: 'ringing', call });
    expect(withList(ringing, [conversation]).ringing).toEqual([]);
    expect(withList(ringing, [{ ...conversation, call }]).ringing).toEqual([room]);
    expect(silenced(ringing, room).ringing).toEqual([]);
  });
});

it('an organisation that cannot be reached is known until it can be again', () => {
  const domain = 'beta.example' as DomainName;
  const away = withEvent(EMPTY_HOME, { type: 'organisation', organisation: { domain, unreachableSince: 7 } });
  expect([...away.organisations]).toEqual([[domain, { unreachableSince: 7 }]]);
  const refused = { unreachableSince: 9, refuses: true } as const;
  const closed = withEvent(away, { type: 'organisation', organisation: { domain, ...refused } });
  expect([...closed.organisations]).toEqual([[domain, refused]]);
  expect(withOrganisations(EMPTY_HOME, [{ domain, ...refused }]).organisations).toEqual(closed.organisations);
  expect(withEvent(away, { type: 'organisation', organisation: { domain } }).organisations.size).toBe(0);
  expect(withOrganisations(away, [{ domain }]).organisations.size).toBe(0);
});
