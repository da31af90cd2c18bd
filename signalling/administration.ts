/** What administrators see of other domains and decide about them, on the page and at the administrator's port. */
import Type, { type Static } from 'typebox';
import { Closed, Word } from './contract.ts';
import { ConferenceId, DomainName, Handle, ParticipantId } from './ids.ts';

/** ms since 1970. */
const Time = Type.Integer({ minimum: 0 });
const Count = Type.Integer({ minimum: 0 });
const Code = Type.String({ maxLength: 60 });

/**
 * `limited`: allowed, with limits of its own. `unreachable`: allowed, and does not answer. `refused`: one of the two does not allow the
 * other; where it is not on the list, it has knocked at the door. `parting`: blocked, and its people are being taken out.
 * `keys-wait`: it came back with other keys, which an administrator has to confirm.
 */
export const PeerState = Word('allowed', 'limited', 'blocked', 'unreachable', 'refused', 'parting', 'keys-wait');
export type PeerState = Static<typeof PeerState>;

const most = (maximum: number) => Type.Number({ minimum: 0, maximum });
const LIMITS = {
  sendMbit: most(100_000),
  receiveMbit: most(100_000),
  sources: most(100_000),
  conferences: most(10_000),
  participants: most(100_000),
};

const SCOPES = {
  /** Conversations with messages and files. */
  messages: Type.Boolean(),
  calls: Type.Boolean(),
  /** Whom its people find here: nobody, whose handle they know, or by parts of names. */
  search: Word('none', 'exact', 'full'),
};

/** SHA-256 as administrators compare it. */
const Fingerprint = Type.String({ maxLength: 100 });

/** Mbit/s to and from it, and how many of each; what is left out is as for all. */
export const PeerLimitsSet = Type.Partial(Closed(LIMITS));
export type PeerLimitsSet = Static<typeof PeerLimitsSet>;

export const PeerReport = Closed({
  domain: DomainName,
  /** Whether it stands on the allow list. */
  listed: Type.Boolean(),
  state: PeerState,
  /** When it came to that; absent where it was so when the homeserver started. */
  since: Type.Optional(Time),
  /** Why it is unreachable or refused. */
  code: Type.Optional(Code),
  /** Host and port. */
  homeserver: Type.Optional(Type.String({ maxLength: 120 })),
  mediaPrefixes: Type.Array(Type.String({ maxLength: 50 }), { maxItems: 100 }),
  limits: PeerLimitsSet,
  may: Closed(SCOPES),
  /** Those that speak for it, with their SHA-256 as administrators compare it. */
  authorities: Type.Array(Closed({ fingerprint: Fingerprint, endsAt: Time }), { maxItems: 100 }),
  /** The roots of its devices that wait to be confirmed. */
  waitingKeys: Type.Optional(Type.Array(Fingerprint, { minItems: 1, maxItems: 100 })),
  /** When the certificate ends that its homeserver showed last. */
  certificateEndsAt: Type.Optional(Time),
  /** The newest federation version that both speak. */
  version: Type.Optional(Type.Integer({ minimum: 1 })),
  /** What waits here to be delivered to it. */
  waiting: Closed({ count: Count, oldestAt: Type.Optional(Time) }),
  /** How far the parting with it is, where it goes on: conversations that were shared, and those of them that are not any more. */
  parting: Type.Optional(Closed({ conversations: Count, done: Count })),
  /** When it last took something, or answered. */
  reachedAt: Type.Optional(Time),
  lastHour: Closed({
    messagesIn: Count,
    messagesOut: Count,
    calls: Count,
    /** What it was refused at our door. */
    refusals: Type.Array(Closed({ code: Code, count: Count }), { maxItems: 200 }),
  }),
});
export type PeerReport = Static<typeof PeerReport>;

/** `GET admin/peers`. In the order of their names. */
export const PeerReports = Closed({
  /** Whose view it is. */
  domain: DomainName,
  at: Time,
  versions: Closed({ min: Count, max: Count }),
  peers: Type.Array(PeerReport, { maxItems: 12_000 }),
});
export type PeerReports = Static<typeof PeerReports>;

const limit = (maximum: number) => Type.Optional(Type.Union([most(maximum), Type.Null()]));

/** `PUT admin/peers/:domain`: the domain is allowed afterwards. What is left out stays as it was. */
export const PeerWish = Closed({
  /** PEM; needed the first time. */
  authority: Type.Optional(Type.String({ minLength: 1, maxLength: 65_536 })),
  homeserver: Type.Optional(Type.String({ minLength: 1, maxLength: 120 })),
  mediaPrefixes: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 50 }), { maxItems: 100 })),
  may: Type.Optional(Type.Partial(Closed(SCOPES))),
  /** Null: as for all. */
  limits: Type.Optional(
    Closed({
      sendMbit: limit(100_000),
      receiveMbit: limit(100_000),
      sources: limit(100_000),
      conferences: limit(10_000),
      participants: limit(100_000),
    }),
  ),
});
export type PeerWish = Static<typeof PeerWish>;

/** `POST admin/peers/:domain/accept-keys`: those that wait, which nobody may have changed since they were looked at. */
export const KeysAccepted = Closed({ fingerprints: Type.Array(Fingerprint, { minItems: 1, maxItems: 100 }) });
export type KeysAccepted = Static<typeof KeysAccepted>;

/** Somebody in a call. Of people of other domains an administrator sees the pseudonym alone, as the media servers do. */
export const CallPerson = Closed({ participant: ParticipantId, domain: DomainName, handle: Type.Optional(Handle) });
export type CallPerson = Static<typeof CallPerson>;

export const CallReport = Closed({
  conference: ConferenceId,
  /** Whose homeserver leads it: it decides who is in. */
  hub: DomainName,
  /** Whose SFT the others connect to. */
  anchor: DomainName,
  startedAt: Time,
  participants: Type.Array(CallPerson, { maxItems: 2_000 }),
  /** Who waits in its lobby. */
  waiting: Count,
  locked: Type.Boolean(),
});
export type CallReport = Static<typeof CallReport>;

/** `GET calls`: those that go on in conversations of people of this domain, the oldest first. */
export const CallReports = Closed({
  domain: DomainName,
  /** Whether the SFT is connected: without it nothing here can be acted upon in calls of other domains. */
  sft: Type.Boolean(),
  calls: Type.Array(CallReport, { maxItems: 20_000 }),
});
export type CallReports = Static<typeof CallReports>;

/** `POST calls/:conference/put-out`, and `mute`: one participant; where none is named, everybody. */
export const OneInCall = Closed({ participant: ParticipantId });
export const SomeInCall = Closed({ participant: Type.Optional(ParticipantId) });

/**
 * How far an act went. `everywhere`: all organisations in the call. `here`: the people of this domain alone, because another one leads
 * the call.
 */
export const CallActed = Closed({ reach: Word('everywhere', 'here'), hub: DomainName });
export type CallActed = Static<typeof CallActed>;
