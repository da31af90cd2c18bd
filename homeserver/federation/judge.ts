/**
 * The one place that decides whether a domain may make a request here, or we there: pure, a function of the allow list and of what is
 * asked. Whether the request is right is judged later, by whom it concerns.
 */
import type { ErrorCode } from '#signalling/errors.ts';
import type { FederationCall, Operation, Statement } from '#signalling/federation.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { Peer } from '#trust/identity.ts';
import type { PeerScopes } from '#trust/peers-schema.ts';

/** What of an entry of the allow list is looked at. */
export type JudgedPeer = Pick<Peer, 'state' | 'may'>;

export interface Asked {
  readonly call: FederationCall | 'unknown';
  /** `in`: the domain asks us. `out`: we ask it, and what we may search there is its own affair. */
  readonly direction: 'in' | 'out';
  /** Of an `update`, as soon as it is known. */
  readonly operation?: Operation['type'];
}

/** What a call needs; `either` where conversations without messages, or without calls, need it too. */
type Need = 'nothing' | 'messages' | 'calls' | 'either' | 'search';

const NEEDS: Readonly<Record<FederationCall, Need>> = {
  versions: 'nothing',
  keys: 'nothing',
  // It says what is allowed.
  reach: 'nothing',
  // Who is to be brought together with whom is asked before anything else.
  peersQuery: 'nothing',
  identifierQuery: 'search',
  search: 'search',
  // These carry people's departures too, which nothing holds up; what an update needs, its operation says.
  update: 'nothing',
  notify: 'either',
  grant: 'calls',
  feed: 'messages',
  submit: 'messages',
  createGroup: 'messages',
  groupInfo: 'messages',
  join: 'messages',
  tree: 'messages',
  commit: 'messages',
  turn: 'messages',
  endTurn: 'messages',
  // A device that is gone is gone, whatever else is allowed.
  goneDevices: 'nothing',
  keyMaterial: 'messages',
  consent: 'either',
  proxyDownload: 'messages',
};

const OPERATION_NEEDS: Readonly<Record<Operation['type'], Need>> = {
  // Nobody is kept from leaving, and what is taken back ends what goes on.
  leave: 'nothing',
  removeMember: 'nothing',
  endCall: 'nothing',
  presence: 'nothing',
  addMember: 'either',
  changeRole: 'either',
  changeTitle: 'either',
  changeName: 'either',
  startCall: 'calls',
  ruleCall: 'calls',
  muteInCall: 'calls',
  inviteGuest: 'calls',
  letIntoCall: 'calls',
  knock: 'calls',
  // As whoever leaves: what is taken back ends what goes on.
  putOutOfCall: 'nothing',
  stopKnocking: 'nothing',
};

/** @returns undefined where it is allowed, else FED_NOT_ALLOWED or FED_SCOPE */
export function judge(peer: JudgedPeer | undefined, asked: Asked): ErrorCode | undefined {
  if (peer?.state !== 'allowed') return 'FED_NOT_ALLOWED';
  const { call, operation } = asked;
  if (call === 'unknown') return undefined;
  const needs = operation === undefined ? [NEEDS[call]] : [NEEDS[call], OPERATION_NEEDS[operation]];
  return needs.every((need) => has(peer.may, need, asked)) ? undefined : 'FED_SCOPE';
}

function has({ messages, calls, search }: PeerScopes, need: Need, { direction }: Asked): boolean {
  switch (need) {
    case 'nothing':
      return true;
    case 'messages':
      return messages;
    case 'calls':
      return calls;
    case 'either':
      return messages || calls;
    case 'search':
      return direction === 'out' || search !== 'none';
  }
}

/** How much a domain may search here. Whoever is not allowed finds nobody. */
export function searchOf(peer: JudgedPeer | undefined): PeerScopes['search'] {
  return peer?.state === 'allowed' ? peer.may.search : 'none';
}

/**
 * A state as this domain takes it over, or tells it: a call whose anchor is no domain to have calls with is not there, so that nobody
 * rings for what he would not be let into.
 */
export function withoutBarredCall(statement: Statement, mayCall: (anchor: DomainName) => boolean): Statement {
  const { call, ...rest } = statement;
  return call === undefined || mayCall(call.anchor) ? statement : rest;
}

/** The first version in which a call has a group, is moderated, and has guests. */
const CALL_GROUPS = 2;

/** A state in the words of a version, which refuses what it does not know. */
export function inWordsOf(version: number, statement: Statement): Statement {
  if (statement.call === undefined || version >= CALL_GROUPS) return statement;
  const { group: _group, moderation: _moderation, guests = [], ...call } = statement.call;
  const isGuest = new Set(guests.map(({ user }) => user));
  return { ...statement, call: { ...call, members: call.members.filter(({ user }) => !isGuest.has(user)) } };
}
