/**
 * The tables as Kysely sees them. Each service reads and writes its own only: accounts and what is about them, sessions,
 * access tokens, registrations, invitations, resets and connections belong to as/; the mail queue to mail/; conversations, members and the call of a conversation to ds/; secrets and pseudonyms to calls/; the outbox to federation/.
 * Every id is qualified by its domain. Times are ms since 1970.
 */
import type { Generated } from 'kysely';
import type { Role } from '#signalling/federation.ts';
import type { ConferenceId, ConversationId, DomainName, ParticipantId, UserId } from '#signalling/ids.ts';
import type { EmailAddress } from '#signalling/person.ts';

export interface Tables {
  accounts: AccountRow;
  sessions: SessionRow;
  access_tokens: AccessTokenRow;
  external_identities: ExternalIdentityRow;
  retired_handles: RetiredHandleRow;
  invitations: InvitationRow;
  registrations: RegistrationRow;
  spent_challenges: SpentChallengeRow;
  password_resets: PasswordResetRow;
  connections: ConnectionRow;
  mail_queue: MailRow;
  conversations: ConversationRow;
  members: MemberRow;
  calls: CallRow;
  call_members: CallMemberRow;
  call_presence: CallPresenceRow;
  call_secrets: CallSecretRow;
  call_pseudonyms: CallPseudonymRow;
  outbox: OutboxRow;
}

export interface AccountRow {
  user_id: UserId;
  name: string;
  /** PHC string of argon2id. */
  password: string;
  created_at: number;
  /** In the one spelling that is compared; no two accounts have the same. */
  email: EmailAddress | null;
  kind: AccountKind;
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

/** An e-mail that is not sent yet. */
export interface MailRow {
  id: string;
  /** Address and content, encrypted. */
  sealed: string;
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
