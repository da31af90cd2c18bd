/**
 * Homeserver to homeserver, versions 1 and 2: HTTPS with client certificates on both sides. The names follow the MIMI protocol
 * (draft-ietf-mimi-protocol, section 5). Whose request it is, the certificate says, and nothing in a request. What a hub
 * says about its conversation is always the whole of it, and numbered; whatever is lost or repeated does no harm.
 */
import Type, { type Static } from 'typebox';
import { GivenRole, Role } from './capabilities.ts';
import { Closed, Sequence } from './contract.ts';
import { Guest, MAX_GUESTS } from './guests.ts';
import { ConferenceId, ConversationId, DomainName, GroupId, Handle, ParticipantId, UserId } from './ids.ts';
import { CallRulesChange, Moderation } from './moderation.ts';
import { Title } from './title.ts';

/** 1: people, conversations, calls. 2: with MLS groups, messages, connections, files; signed requests. */
export const FEDERATION_VERSIONS = { min: 1, max: 2 } as const;

/**
 * Below `https://<domain's homeserver>`; every `:parameter` is percent-encoded. All are POST with a JSON body, but for `versions`
 * and `keys`, which are GET, and `proxyDownload`, which is GET and HEAD. An answer that is not 2xx has a `Problem` (client-home.ts) as its body.
 */
export const FEDERATION_PATHS = {
  /** GET, answers `Versions`. Unversioned, so that two versions that have nothing else in common can say so. */
  versions: '/federation/versions',
  /** `IdentifierQuery` to `IdentifierAnswer`: somebody of `:domain` by exact handle. */
  identifierQuery: '/federation/v1/identifierQuery/:domain',
  /** `PeersQuery` to `PeersAnswer`: asked by a hub before it brings domains together. */
  peersQuery: '/federation/v1/peersQuery/:domain',
  /** Follower to hub: `Operation` to the `Statement` that it led to. */
  update: '/federation/v1/update/:conversation',
  /** Hub to follower: `Statement` to `NotifyAnswer`. */
  notify: '/federation/v1/notify/:conversation',
  /** Any domain of the conversation to the anchor: `GrantRequest` to `GrantAnswer`. */
  grant: '/federation/v1/grant/:conference',

  /** GET, answers `DomainKeys` (federation-people.ts): with what the domain signs, and what speaks for its devices. */
  keys: '/federation/v2/keys',
  /** Nothing to `ReachAnswer`: the asked one dials the asking one's door anew, and says what came of it. For administrators. */
  reach: '/federation/v2/reach',
  /** Hub to follower: `Feed` to `FeedAnswer` (federation-feed.ts); what goes to the groups that devices of `:domain` are in. */
  feed: '/federation/v2/feed/:domain',
  /** Follower to hub: `Submissions` to `SubmissionsAnswer` (federation-feed.ts); messages of its own people. */
  submit: '/federation/v2/submitMessage/:domain',
  /** Follower to hub, for one of its own devices (federation-groups.ts). */
  createGroup: '/federation/v2/createGroup/:conversation',
  groupInfo: '/federation/v2/groupInfo/:conversation',
  join: '/federation/v2/join/:conversation',
  tree: '/federation/v2/tree/:conversation',
  commit: '/federation/v2/commit/:conversation',
  turn: '/federation/v2/turn/:conversation',
  endTurn: '/federation/v2/endTurn/:conversation',
  /** `GoneDevices` to nothing: devices of the asking domain that were removed, for all groups of this hub. */
  goneDevices: '/federation/v2/goneDevices/:domain',
  /** `KeyMaterialQuery` to `Claimed` of devices.ts: one key package of each device of somebody of `:domain`. */
  keyMaterial: '/federation/v2/keyMaterial/:domain',
  /** `ConsentStatement` to nothing: whether somebody of the asking domain wants to be connected to somebody of `:domain`. */
  consent: '/federation/v2/consent/:domain',
  /** `SearchQuery` to `SearchAnswer`: as far as the policy of `:domain` lets the asking domain. */
  search: '/federation/v2/search/:domain',
  /** GET, answers the bytes of a file of the answering domain; with `Range`. HEAD tells its size and kind. */
  proxyDownload: '/federation/v2/proxyDownload/:asset',
} as const;
export type FederationCall = keyof typeof FEDERATION_PATHS;

/** The version from which on a call is spoken. */
export function versionOf(call: FederationCall): number {
  return FEDERATION_PATHS[call].startsWith('/federation/v2/') ? 2 : 1;
}

const Version = Type.Integer({ minimum: 1, maximum: 1_000 });
const Name = Type.String({ minLength: 1, maxLength: 80, pattern: '^[^\\u0000-\\u001f\\u007f]+$' });
/** ms since 1970. */
const Time = Type.Integer({ minimum: 0 });

export const Versions = Closed({ domain: DomainName, versions: Closed({ min: Version, max: Version }) });
export type Versions = Static<typeof Versions>;

export const ReachAnswer = Closed({
  /** ms since 1970 */
  now: Time,
  /** An administrator's terminal shows it, and obeys control characters. */
  software: Type.String({ maxLength: 80, pattern: '^[\\u0020-\\u007e]*$' }),
  /** Where the SFT of the answering domain takes links; absent where it has none. */
  link: Type.Optional(Type.String({ maxLength: 300, pattern: '^wss://[A-Za-z0-9.\\[\\]:-]+(?:/[A-Za-z0-9._/-]*)?$' })),
  /** Why the door of the asking domain could not be reached; absent where it could. */
  code: Type.Optional(Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,59}$' })),
  /** What of calls and messages the answering domain allows the asking one. */
  may: Closed({ calls: Type.Boolean(), messages: Type.Boolean() }),
});
export type ReachAnswer = Static<typeof ReachAnswer>;

export const IdentifierQuery = Closed({ handle: Handle });
export type IdentifierQuery = Static<typeof IdentifierQuery>;
export const IdentifierAnswer = Closed({ user: UserId, name: Name });
export type IdentifierAnswer = Static<typeof IdentifierAnswer>;

const Domains = Type.Array(DomainName, { maxItems: 100, uniqueItems: true });
export const PeersQuery = Closed({ domains: Domains });
export type PeersQuery = Static<typeof PeersQuery>;
/** Those of the asked domains that the answering one does not federate with. */
export const PeersAnswer = Closed({ refused: Domains });
export type PeersAnswer = Static<typeof PeersAnswer>;

export const Member = Closed({ user: UserId, domain: DomainName, name: Name, role: Role });
export type Member = Static<typeof Member>;

export const CallMember = Closed({ participant: ParticipantId, user: UserId, domain: DomainName, name: Name });
export type CallMember = Static<typeof CallMember>;

export const Call = Closed({
  conference: ConferenceId,
  anchor: DomainName,
  startedBy: UserId,
  startedAt: Time,
  /** The MLS group of the call, as soon as there is one. */
  group: Type.Optional(GroupId),
  members: Type.Array(CallMember, { maxItems: 1_000 }),
  /** As soon as somebody has decided something about it. */
  moderation: Type.Optional(Moderation),
  /** Who was invited to it alone, in the order in which they came. */
  guests: Type.Optional(Type.Array(Guest, { maxItems: MAX_GUESTS })),
});
export type Call = Static<typeof Call>;

/** All that is to be known about a conversation. A higher `seq` replaces a lower one. */
export const Statement = Closed({
  conversation: ConversationId,
  seq: Sequence,
  title: Title,
  /** In the order in which they came. Empty: the conversation is over. */
  members: Type.Array(Member, { maxItems: 10_000 }),
  /** The MLS group, where there is one. */
  group: Type.Optional(GroupId),
  call: Type.Optional(Call),
});
export type Statement = Static<typeof Statement>;

/** What a follower may ask of a hub. Repeating one changes nothing more. */
export const Operation = Type.Union([
  Closed({ type: Type.Literal('addMember'), actor: UserId, user: UserId }),
  Closed({ type: Type.Literal('removeMember'), actor: UserId, user: UserId }),
  /** Where nobody is left who administers, whoever has been there longest does; where only guests are, it is over. */
  Closed({ type: Type.Literal('leave'), actor: UserId }),
  Closed({ type: Type.Literal('changeRole'), actor: UserId, user: UserId, role: GivenRole }),
  Closed({ type: Type.Literal('changeTitle'), actor: UserId, title: Title }),
  /** What the actor's domain calls him from now on. */
  Closed({ type: Type.Literal('changeName'), actor: UserId, name: Name }),
  /**
   * The anchor is the actor's domain, which also chose the conference's id. Where a call goes on already, nothing changes
   * and the answer states that one.
   */
  Closed({ type: Type.Literal('startCall'), actor: UserId, conference: ConferenceId }),
  Closed({ type: Type.Literal('endCall'), actor: UserId, conference: ConferenceId }),
  Closed({ type: Type.Literal('ruleCall'), actor: UserId, conference: ConferenceId, rules: CallRulesChange }),
  /** The microphone of one participant, or of everybody but the actor. */
  Closed({
    type: Type.Literal('muteInCall'),
    actor: UserId,
    conference: ConferenceId,
    participant: Type.Optional(ParticipantId),
  }),
  /** Out of the call or its lobby, and not in again until somebody lets him in. */
  Closed({ type: Type.Literal('putOutOfCall'), actor: UserId, conference: ConferenceId, user: UserId }),
  Closed({ type: Type.Literal('letIntoCall'), actor: UserId, conference: ConferenceId, user: UserId }),
  /** Somebody of the actor's domain who has no account there: he may knock, and is in the conversation for nothing else. */
  Closed({
    type: Type.Literal('inviteGuest'),
    actor: UserId,
    conference: ConferenceId,
    user: UserId,
    name: Name,
  }),
  /** The actor waits in the lobby, or goes on to wait. */
  Closed({ type: Type.Literal('knock'), actor: UserId, conference: ConferenceId }),
  Closed({ type: Type.Literal('stopKnocking'), actor: UserId, conference: ConferenceId }),
  /** Everybody of the asking domain who is in the call now. */
  Closed({
    type: Type.Literal('presence'),
    conference: ConferenceId,
    seq: Sequence,
    participants: Type.Array(Closed({ participant: ParticipantId, user: UserId }), { maxItems: 1_000 }),
  }),
]);
export type Operation = Static<typeof Operation>;

/** The number of the newest statement that the follower has; higher than the sent one where that came late. */
export const NotifyAnswer = Closed({ seq: Sequence });
export type NotifyAnswer = Static<typeof NotifyAnswer>;

export const GrantRequest = Closed({ conversation: ConversationId });
export type GrantRequest = Static<typeof GrantRequest>;
export const GrantAnswer = Closed({
  /** A grant of ticket.ts for the SFT of the asking domain. */
  grant: Type.String({ maxLength: 4_096 }),
  expiresAt: Time,
  /** `wss://host:port/link/v1`, where the anchor's SFT takes links. */
  link: Type.String({ maxLength: 300, pattern: '^wss://' }),
});
export type GrantAnswer = Static<typeof GrantAnswer>;
