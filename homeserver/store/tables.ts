/**
 * The tables as Kysely sees them. Each service reads and writes its own only: accounts, sessions and access tokens belong
 * to as/; conversations, members and the call of a conversation to ds/; secrets and pseudonyms to calls/; the outbox to federation/;
 * assets and their usage to assets/.
 * Every id is qualified by its domain. Times are ms since 1970.
 */
import type { Generated } from 'kysely';
import type { AssetKind } from '#signalling/assets.ts';
import type { Role } from '#signalling/federation.ts';
import type { AssetId, ConferenceId, ConversationId, DomainName, ParticipantId, UserId } from '#signalling/ids.ts';

export interface Tables {
  accounts: AccountRow;
  sessions: SessionRow;
  access_tokens: AccessTokenRow;
  conversations: ConversationRow;
  members: MemberRow;
  calls: CallRow;
  call_members: CallMemberRow;
  call_presence: CallPresenceRow;
  call_secrets: CallSecretRow;
  call_pseudonyms: CallPseudonymRow;
  outbox: OutboxRow;
  assets: AssetRow;
  asset_usage: AssetUsageRow;
}

export interface AccountRow {
  user_id: UserId;
  name: string;
  /** PHC string of argon2id. */
  password: string;
  created_at: number;
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

/** What another domain still has to be told. Only which thing and how new: the words are made when it is sent. */
export interface OutboxRow {
  position: Generated<number>;
  domain: DomainName;
  kind: OutboxKind;
  /** A conversation for `conversation`, a conference for `presence`. */
  subject: ConversationId | ConferenceId;
  seq: number;
  created_at: number;
}

export type OutboxKind = 'conversation' | 'presence';

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
