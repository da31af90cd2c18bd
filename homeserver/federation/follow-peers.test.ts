import { expect, test } from 'vitest';
import type { DomainName } from '#signalling/ids.ts';
import type { Peer } from '#trust/identity.ts';
import { ALL_SCOPES, type PeerScopes } from '#trust/peers-schema.ts';
import { followPeers } from './follow-peers.ts';

const beta = 'beta.example' as DomainName;

/** A list of one domain, as it is changed. */
function list() {
  let current: ReadonlyMap<DomainName, Peer> = new Map();
  let listener = () => {};
  const happened: string[] = [];
  followPeers(
    {
      get current() {
        return current;
      },
      onChange: (each) => {
        listener = each;
        return () => undefined;
      },
    },
    {
      onAllowed: (domain) => happened.push(`allowed ${domain}`),
      onWidened: (domain) => happened.push(`widened ${domain}`),
      onGone: (domain) => happened.push(`gone ${domain}`),
    },
  );
  return {
    becomes(may?: Partial<PeerScopes>, state: Peer['state'] = 'allowed') {
      const none = {
        authority: undefined,
        homeserver: undefined,
        mediaPrefixes: [],
        limits: {},
        addresses: 'any',
      } as const;
      current = may ? new Map([[beta, { domain: beta, state, may: { ...ALL_SCOPES, ...may }, ...none }]]) : new Map();
      listener();
      return happened.splice(0);
    },
  };
}

test('who comes, who goes, and who may do more than before', () => {
  const { becomes } = list();
  expect(becomes({ messages: false, calls: false })).toEqual(['allowed beta.example']);
  expect(becomes({ messages: false, calls: false })).toEqual([]);
  expect(becomes({ messages: true, calls: false })).toEqual(['widened beta.example']);
  expect(becomes({ messages: false, calls: true })).toEqual(['widened beta.example']);
  // Less, and what makes nothing wait.
  expect(becomes({ messages: false, calls: false })).toEqual([]);
  expect(becomes({ messages: false, calls: false, search: 'full' })).toEqual([]);
  expect(becomes({}, 'blocked')).toEqual(['gone beta.example']);
  expect(becomes({})).toEqual(['allowed beta.example']);
  expect(becomes(undefined)).toEqual(['gone beta.example']);
});
