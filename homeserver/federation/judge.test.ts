import { describe, expect, test } from 'vitest';
import { FEDERATION_PATHS, type FederationCall, type Statement } from '#signalling/federation.ts';
import type { ConferenceId, ConversationId } from '#signalling/ids.ts';
import { ALL_SCOPES, type PeerScopes } from '#trust/peers-schema.ts';
import { domain, user } from '../testing/world.ts';
import { type Asked, judge, searchOf, withoutBarredCall } from './judge.ts';

const CALLS = Object.keys(FEDERATION_PATHS) as FederationCall[];
const peer = (may: Partial<PeerScopes> = {}) => ({ state: 'allowed' as const, may: { ...ALL_SCOPES, ...may } });
const refused = (may: Partial<PeerScopes>, direction: Asked['direction'] = 'in') =>
  CALLS.filter((call) => judge(peer(may), { call, direction }) === 'FED_SCOPE');

test('an allowed domain may make every call, and a blocked or unlisted one none', () => {
  expect(refused({})).toEqual([]);
  for (const call of CALLS) {
    expect(judge(undefined, { call, direction: 'in' })).toBe('FED_NOT_ALLOWED');
    expect(judge({ ...peer(), state: 'blocked' }, { call, direction: 'out' })).toBe('FED_NOT_ALLOWED');
  }
});

describe('what is held back', () => {
  test('without messages', () => {
    const group = [
      'createGroup',
      'groupInfo',
      'join',
      'tree',
      'commit',
      'turn',
      'endTurn',
      'keyMaterial',
      'proxyDownload',
    ];
    expect(refused({ messages: false })).toEqual(['feed', 'submit', ...group]);
  });

  test('without calls', () => {
    expect(refused({ calls: false })).toEqual(['grant']);
    const update = (operation: Asked['operation']) =>
      judge(peer({ calls: false }), { call: 'update', direction: 'in', ...(operation && { operation }) });
    expect(update('startCall')).toBe('FED_SCOPE');
    expect(update('endCall')).toBeUndefined();
    expect(update('addMember')).toBeUndefined();
  });

  test('without search, of them and never of us', () => {
    expect(refused({ search: 'none' })).toEqual(['identifierQuery', 'search']);
    expect(refused({ search: 'none' }, 'out')).toEqual([]);
    expect(searchOf(peer({ search: 'full' }))).toBe('full');
    expect(searchOf(undefined)).toBe('none');
  });
});

test('whoever may nothing else may still leave, and say which devices are gone', () => {
  const nothing = peer({ messages: false, calls: false, search: 'none' });
  const update = (operation: NonNullable<Asked['operation']>) =>
    judge(nothing, { call: 'update', direction: 'in', operation });
  expect(update('leave')).toBeUndefined();
  expect(update('addMember')).toBe('FED_SCOPE');
  expect(judge(nothing, { call: 'goneDevices', direction: 'in' })).toBeUndefined();
});

test('a call of a domain that there are no calls with is not there', () => {
  const statement: Statement = {
    conversation: 'mimi://alpha.example/r/AAAAAAAAAAAAAAAAAAAAAA' as ConversationId,
    seq: 3,
    title: 'Ropes',
    members: [],
    call: {
      conference: 'c'.repeat(22) as ConferenceId,
      anchor: domain('beta.example'),
      startedBy: user('@bob@beta.example'),
      startedAt: 1,
      members: [],
    },
  };
  expect(withoutBarredCall(statement, () => true)).toEqual(statement);
  const { call: _none, ...rest } = statement;
  expect(withoutBarredCall(statement, (anchor) => anchor !== 'beta.example')).toEqual(rest);
});
