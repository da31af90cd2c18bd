/**
 * The tables as Kysely sees them. Each service reads and writes its own only: accounts and what is about them, sessions,
 * access tokens, guests, registrations, invitations, resets, connections, consents, devices, their certificates and key packages belong to as/;
 * the mail queue to mail/; conversations, members, the call and the group of a conversation to ds/; secrets, pseudonyms, bars and links of
 * guests to calls/; the outbox, submissions, followings, feeds, what was taken of those of others, partings, keys and ages of peers to federation/, where
 * qs/ looks what must be kept; the log of decisions to audit/; entries, queues, subscriptions, push targets and properties to qs/; assets
 * and their usage to assets/.
 * Every id is qualified by its domain. Times are ms since 1970.
 */
import type { Generated } from 'kysely';
import type { AssetKind } from '#signalling/assets.ts';
import type { Role } from '#signalling/capabilities.ts';
import type {
  AssetId,
  ConferenceId,
  ConversationId,
  DeviceId,
  DomainName,
  GroupId,
  ParticipantId,
  RoomId,
  UserId,
} from '#signalling/ids.ts';
import type { EmailAddress } from '#signalling/person.ts';
import type { EntryKind } from '#signalling/queue.ts';
import type { AuditLine } from '../audit/chain.ts';

export interface Tables {
  accounts: AccountRow;
  sessions: SessionRow;
  access_tokens: AccessTokenRow;
  devices: DeviceRow;
  device_certificates: DeviceCertificateRow;
  key_packages: KeyPackageRow;
  external_identities: ExternalIdentityRow;
  retired_handles: RetiredHandleRow;
  invitations: InvitationRow;
  registrations: RegistrationRow;
  spent_challenges: SpentChallengeRow;
  password_resets: PasswordResetRow;
  connections: ConnectionRow;
  consents: ConsentRow;
  mail_queue: MailRow;
  conversations: ConversationRow;
  members: MemberRow;
  calls: CallRow;
  guest_links: GuestLinkRow;
  guests: GuestRow;
  call_members: CallMemberRow;
  call_presence: CallPresenceRow;
  call_secrets: CallSecretRow;
  call_pseudonyms: CallPseudonymRow;
  call_bars: CallBarRow;
  outbox: OutboxRow;
  peer_keys: PeerKeysRow;
  partings: PartingRow;
  parted_conversations: PartedConversationRow;
  parted_people: PartedPersonRow;
  entries: EntryRow;
  queues: QueueRow;
  subscriptions: SubscriptionRow;
  followings: FollowingRow;
  feeds: FeedRow;
  feed_moves: FeedMoveRow;
  feeds_taken: FeedTakenRow;
  push_targets: PushTargetRow;
  properties: PropertyRow;
  groups: GroupRow;
  group_records: GroupRecordRow;
  group_devices: GroupDeviceRow;
  group_commits: GroupCommitRow;
  group_trees: GroupTreeRow;
  sent_numbers: SentNumberRow;
  submissions: SubmissionRow;
  assets: AssetRow;
  asset_usage: AssetUsageRow;
  audit: AuditLine;
  peer_ages: PeerAgeRow;
}

export interface AccountRow {
  user_id: UserId;
  name: string;
  /** The name as it is looked for. */
  folded: Generated<string>;
  /** PHC string of argon2id. */
  password: string;
  created_at: number;
  /** In the one spelling that is compared; no two accounts have the same. */
  email: EmailAddress | null;
  kind: AccountKind;
  /** May say from the page which other domains are allowed. */
  administrator: Generated<0 | 1>;
}

/** A guest has a link in place of an account of his own, a service is a program. */
export type AccountKind = 'person' | 'guest' | 'service';

/** Who somebody is at an identity provider. */
export interface ExternalIdentityRow {
  /** URL of the provider. */
  issuer: string;
  subject: string;
  user_id: UserId;
  created_at: number;
}

/** A handle of a removed account: whoever got it next would be taken for its former owner, in other domains above all. */
export interface RetiredHandleRow {
  user_id: UserId;
  retired_at: number;
}

export interface InvitationRow {
  id: string;
  /** SHA-256 of the token. */
  token_hash: string;
  /** Null where an administrator made it. */
  created_by: UserId | null;
  email: EmailAddress | null;
  created_at: number;
  expires_at: number;
}

/** Somebody who wants an account and has not proved the address yet. */
export interface RegistrationRow {
  id: string;
  email: EmailAddress;
  handle: string;
  name: string;
  password: string;
  invitation_id: string | null;
  code_hash: string;
  tries: number;
  expires_at: number;
}

/** A proof of work that was used; kept until its challenge has expired. */
export interface SpentChallengeRow {
  challenge: string;
  expires_at: number;
}

export interface PasswordResetRow {
  id: string;
  /** Null where nobody has the address that was given. */
  user_id: UserId | null;
  code_hash: string;
  tries: number;
  expires_at: number;
}

/** What a person of this domain has decided about another person. */
export interface ConnectionRow {
  owner: UserId;
  peer: UserId;
  decision: 'none' | 'wanted' | 'ignored' | 'blocked';
  /** Whether the other one wants to be connected. */
  is_wanted: 0 | 1;
  changed_at: number;
}

/** What somebody of this domain and somebody of another one have stated to each other: whether they want to be connected. */
export interface ConsentRow {
  owner: UserId;
  /** Of another domain. */
  peer: UserId;
  /** Number of the newest statement of the owner; 0 where there was none. */
  told: number;
  /** What it says. */
  wants: 0 | 1;
  /** Number of the newest one that the other domain is known to have. */
  known: number;
  /** Number of the newest statement that was heard of the other one; 0 where there was none. */
  heard: number;
  /** What the other one is called, where that was told. */
  name: string | null;
  changed_at: number;
}

/** An e-mail that is not sent yet. */
export interface MailRow {
  id: string;
  /** Address and content, encrypted. */
  sealed: string;
  /** Whose it is: it is not sent any more when the account is gone. Null where it is nobody's yet, or an administrator's. */
  user_id: UserId | null;
  attempts: number;
  next_at: number;
  created_at: number;
  expires_at: number;
}

export interface SessionRow {
  id: string;
  user_id: UserId;
  /** SHA-256 of the refresh token that is good now. */
  refresh_hash: string;
  /** The one before it, so that a stolen token is noticed when it is used again. */
  previous_hash: string | null;
  rotated_at: number;
  expires_at: number;
  created_at: number;
  /** The device that it is a session of; null until the device has said which one it is. */
  device_id: DeviceId | null;
}

export interface DeviceRow {
  device_id: DeviceId;
  user_id: UserId;
  name: string;
  /** Ed25519, SPKI, base64url. */
  public_key: string;
  created_at: number;
  last_used_at: number;
  last_address: string;
}

/** Kept when the device is gone, until it has ended. */
export interface DeviceCertificateRow {
  /** Hex digits. */
  serial: string;
  device_id: DeviceId;
  /** DER, base64url. */
  certificate: string;
  not_before: number;
  not_after: number;
  revoked_at: number | null;
}

export interface KeyPackageRow {
  /** SHA-256 of it, base64url. */
  id: string;
  device_id: DeviceId;
  /** MLSMessage, base64url. */
  key_package: string;
  last_resort: 0 | 1;
  not_after: number;
}

export interface AccessTokenRow {
  /** SHA-256 of the token. */
  hash: string;
  session_id: string;
  expires_at: number;
}

export interface ConversationRow {
  /** Names the hub's domain. */
  id: ConversationId;
  title: string;
  /** Number of the newest state, given by the hub. */
  seq: number;
  /** The MLS group, where there is one. */
  group_id: GroupId | null;
  created_at: number;
}

export interface MemberRow {
  conversation_id: ConversationId;
  user_id: UserId;
  name: string;
  role: Role;
  position: number;
}

/** The call that goes on in a conversation; the row goes when the call ends, and what depends on it with it. */
export interface CallRow {
  conference: ConferenceId;
  conversation_id: ConversationId;
  anchor: DomainName;
  started_by: UserId;
  started_at: number;
  /** Its MLS group, as soon as there is one. */
  group_id: GroupId | null;
  /** What was decided about it, as JSON; see `Moderation`. */
  moderation: string | null;
  /** Who was invited to it alone, as JSON; see `Guest`. */
  guests: string | null;
}

/** By which somebody who moderates a call invites to it. */
export interface GuestLinkRow {
  id: string;
  /** SHA-256 of what is in the link, base64url. */
  hash: string;
  conference: ConferenceId;
  made_by: UserId;
  created_at: number;
  expires_at: number;
}

/** An account of a guest, and the only call that he is in. */
export interface GuestRow {
  user_id: UserId;
  conference: ConferenceId;
  conversation_id: ConversationId;
}

export interface CallMemberRow {
  conference: ConferenceId;
  participant: ParticipantId;
  user_id: UserId;
  position: number;
}

/** Number of the newest statement about who of a domain is in a call. */
export interface CallPresenceRow {
  conference: ConferenceId;
  domain: DomainName;
  seq: number;
}

/** What the pseudonyms of this domain's people in one call are derived from; gone with the call. */
export interface CallSecretRow {
  conference: ConferenceId;
  /** 32 random bytes, base64url. */
  secret: string;
}

/** Whom a ticket of this domain was given to, and whether the SFT reports this participant as present. */
export interface CallPseudonymRow {
  participant: ParticipantId;
  conference: ConferenceId;
  user_id: UserId;
  issued_at: number;
  present: 0 | 1;
}

/** Who of this domain gets no ticket any more for a call that another domain leads. */
export interface CallBarRow {
  conference: ConferenceId;
  user_id: UserId;
}

/** What waits for devices. Kept until every device that it is for has acknowledged it. */
export interface EntryRow {
  position: Generated<number>;
  /** A group, or one device. */
  audience: GroupId | DeviceId;
  kind: EntryKind;
  /** Where one device is told something about a group. */
  group_id: GroupId | null;
  sender: DeviceId | null;
  id: string | null;
  /** base64url, as it came. */
  payload: string;
  at: number;
  /** 1: nobody is woken for it. */
  is_quiet: Generated<number>;
}

export interface QueueRow {
  device_id: DeviceId;
  /** Everything up to this position is on the device. */
  acknowledged: number;
  /** Messages up to this position were dropped because too many waited; an `overflow` entry tells the device. */
  dropped: number;
}

/**
 * `queue`: under which name devices know the order of positions; a restored database gets another one. `hub`: the key with
 * which this hub proposes to groups, PKCS #8, base64url. `push`: the key that signs wake-ups, encrypted. `signing`: the
 * keys that sign requests to other domains, encrypted.
 */
export interface PropertyRow {
  name: 'queue' | 'hub' | 'push' | 'signing';
  value: string;
}

/** For whom an audience is: entries behind `since`, up to `until` once the device is out. */
export interface SubscriptionRow {
  device_id: DeviceId;
  audience: GroupId | DeviceId;
  since: number;
  until: number | null;
}

/** What another domain gets of a group of this hub: entries behind `since`, up to `until` once none of its devices is in. A row a stay. */
export interface FollowingRow {
  domain: DomainName;
  group_id: GroupId;
  /** Written down here, because a group goes with its last member, and what was said before is still delivered. */
  conversation_id: RoomId;
  since: number;
  until: number | null;
}

export interface FeedRow {
  domain: DomainName;
  /** Everything for that domain up to this position is there, as far as this was written down. */
  acknowledged: number;
  /** Messages up to this position were dropped, because the domain was away for too long. */
  dropped: number;
}

/** What a domain gets besides with an entry: which of its devices join or leave by it. Kept until the entry is there. */
export interface FeedMoveRow {
  domain: DomainName;
  position: number;
  /** JSON of `Moves` (federation/followings.ts). */
  body: string;
}

/** How far this domain has the feed of another hub. */
export interface FeedTakenRow {
  hub: DomainName;
  /** Name of the hub's order of positions: a hub that was restored counts anew. */
  hub_order: string;
  received: number;
  /** JSON: positions and digests of the last request, so that a hub that says something else under one of them is found out. */
  recent: string;
  taken_at: number;
}

/** Where a device is woken while it is not connected; gone with the session that said so. */
export interface PushTargetRow {
  device_id: DeviceId;
  session_id: string;
  user_id: UserId;
  /** `https://`, at one of the push services that are used. */
  endpoint: string;
  created_at: number;
}

/** The MLS group of a conversation of which this domain is the hub, or of the call in one. */
export interface GroupRow {
  group_id: GroupId;
  conversation_id: RoomId;
  epoch: number;
  created_at: number;
}

/** The hub's view of a group, see mls/public-records.ts; values in base64url. */
export interface GroupRecordRow {
  group_id: GroupId;
  key: string;
  value: string;
}

/** Devices that are in the tree of a group now. */
export interface GroupDeviceRow {
  group_id: GroupId;
  device_id: DeviceId;
  /** 1: its person was taken out of the conversation, and it gets nothing any more, until it joins anew. */
  put_out: Generated<0 | 1>;
}

/** Which commit made an epoch, for the last ones: whoever got no answer asks again. */
export interface GroupCommitRow {
  group_id: GroupId;
  epoch: number;
  id: string;
  position: number;
}

/** Trees to Welcomes that were not joined with yet, base64url. */
export interface GroupTreeRow {
  group_id: GroupId;
  epoch: number;
  tree: string;
  expires_at: number;
}

/** The newest message of a device to a room; where another domain is the hub, the newest of which is known what became of it. */
export interface SentNumberRow {
  device_id: DeviceId;
  conversation_id: RoomId;
  number: number;
  position: number;
  at: number;
  /** Tells the message from another one; null where the sender is of this domain. */
  digest: string | null;
  /** Numbers up to this one that were not sent, where another domain is the hub: unsent-numbers.ts. */
  unsent: Generated<string | null>;
}

/** A message of a device of this domain on its way to the hub of another one; gone when it is known what became of it. */
export interface SubmissionRow {
  position: Generated<number>;
  hub: DomainName;
  device_id: DeviceId;
  conversation_id: ConversationId;
  group_id: GroupId;
  number: number;
  /** base64url */
  message: string;
  is_quiet: 0 | 1;
  created_at: number;
}

/** What another domain still has to be told. Only which thing and how new: the words are made when it is sent. */
export interface OutboxRow {
  position: Generated<number>;
  domain: DomainName;
  kind: OutboxKind;
  /** A conversation for `conversation` and `departure`, a conference for `presence`, two people for `consent`, a device for `device`. */
  subject: ConversationId | ConferenceId | ConsentPair | DeviceId;
  seq: number;
  created_at: number;
}

export type OutboxKind = 'conversation' | 'departure' | 'presence' | 'consent' | 'device';

/** Who wants to be connected and with whom, with a space between. */
export type ConsentPair = `${UserId} ${UserId}`;

/** What another domain says about its keys, as JSON (`DomainKeys`). */
export interface PeerKeysRow {
  domain: DomainName;
  keys: string;
  fetched_at: number;
  /** Keys that an administrator has to confirm, because none of the roots of before is among theirs. */
  waiting: string | null;
}

/** A domain that was blocked or taken off the list, and how far it is to part with it. The newest time only. */
export interface PartingRow {
  domain: DomainName;
  begun_at: number;
  /** Conversations that were shared when it began. */
  total: number;
  done: number;
  /** The last conversation that was looked at; null at the beginning of a round. */
  after: ConversationId | null;
  /** Null as long as it goes on; nobody of that domain is heard until then. */
  ended_at: number | null;
}

/**
 * What is to be said if the domain is allowed again: of an own conversation that its people are out, and of one of its own that
 * ours are. Until that is done, what it states about the latter counts for nothing.
 */
export interface PartedConversationRow {
  domain: DomainName;
  conversation_id: ConversationId;
}

/** Who of this domain was in a conversation of another one's hub when they parted. */
export interface PartedPersonRow {
  conversation_id: ConversationId;
  user_id: UserId;
}

/** An encrypted file, or an upload that is to become one. */
export interface AssetRow {
  id: AssetId;
  owner: UserId;
  /** The device's name for the upload: the same one again finds this row. */
  request: string;
  kind: AssetKind;
  /** Of the ciphertext, bytes. */
  size: number;
  /** Bytes that were on disk when this was written. */
  received: number;
  created_at: number;
  /** Null while it is an upload, which nobody but its owner sees. */
  completed_at: number | null;
  /** When it is thrown away: an upload that stalls, a file at the end of its time. Null where it is kept. */
  expires_at: number | null;
  /** Of the ciphertext, base64url; null while it is an upload. */
  sha256: string | null;
}

/** What somebody's files and uploads take up, so that no quota is checked by adding up a table. */
export interface AssetUsageRow {
  owner: UserId;
  /** Declared sizes: an upload has its room from the beginning. */
  bytes: number;
  /** Uploads that are not complete. */
  uploads: number;
}

/** Since when a domain is allowed without a break, as far as a running homeserver saw it. */
export interface PeerAgeRow {
  domain: DomainName;
  first_at: number;
}
