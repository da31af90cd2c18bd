/** How people come to an account by themselves: the rules, the proof of work, the code by e-mail, invitations. */
import Type, { type Static } from 'typebox';
import { Closed, Word } from './contract.ts';
import { DomainName, Handle } from './ids.ts';
import { DisplayName, EmailAddress, Password } from './person.ts';

/** ms since 1970. */
const Time = Type.Integer({ minimum: 0 });

/** Of what begins with a request and ends with a code: 16 random bytes, base64url. */
export const ConfirmationId = Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' });

/** Six digits, as the e-mail shows them. */
export const Code = Type.String({ pattern: '^[0-9]{6}$' });

export const RegistrationMode = Word('closed', 'invitation', 'domains', 'open');
export type RegistrationMode = Static<typeof RegistrationMode>;

/** `GET registration`: what somebody without an account may do here. */
export const RegistrationRules = Closed({
  mode: RegistrationMode,
  /** Domains of the e-mail addresses that may register; where the mode is `domains`. */
  emailDomains: Type.Array(DomainName, { maxItems: 100 }),
  /** Whether a forgotten password can be reset by e-mail. */
  passwordReset: Type.Boolean(),
  /** Where all e-mail of this homeserver can be read: a trial that delivers none. */
  mailbox: Type.Optional(Type.String({ maxLength: 200, pattern: '^https?://[^\\s<>"]+$' })),
});
export type RegistrationRules = Static<typeof RegistrationRules>;

/** `POST registration/challenges`: work to prove where the mode is `open`. */
export const Challenge = Closed({
  challenge: Type.String({ pattern: '^[A-Za-z0-9_.-]{20,200}$' }),
  /** How many leading bits of the hash must be 0. */
  bits: Type.Integer({ minimum: 1, maximum: 32 }),
  expiresInSeconds: Type.Integer({ minimum: 1 }),
});
export type Challenge = Static<typeof Challenge>;

export const Work = Closed({
  challenge: Challenge.properties.challenge,
  solution: Type.String({ pattern: '^[0-9]{1,16}$' }),
});
export type Work = Static<typeof Work>;

/** 80 random bits in Crockford's base 32, in groups of four; read however it was typed. */
export const InvitationToken = Type.String({ pattern: '^[0-9A-Za-z -]{16,40}$' });

/** `POST registrations`. The answer, 202, is the same whether handle and address are free or not. */
export const NewRegistration = Closed({
  email: EmailAddress,
  handle: Handle,
  name: DisplayName,
  password: Password,
  invitation: Type.Optional(InvitationToken),
  work: Type.Optional(Work),
});
export type NewRegistration = Static<typeof NewRegistration>;

/** A code is on its way. */
export const AwaitedCode = Closed({ id: ConfirmationId, expiresInSeconds: Type.Integer({ minimum: 1 }) });
export type AwaitedCode = Static<typeof AwaitedCode>;

/** `POST registrations/:id/confirmation`. Another handle where the first one turned out to be taken. Answers 201 and `User`. */
export const RegistrationConfirmation = Closed({ code: Code, handle: Type.Optional(Handle) });
export type RegistrationConfirmation = Static<typeof RegistrationConfirmation>;

export const InvitationId = Type.String({ pattern: '^[A-Za-z0-9_-]{16}$' });

/** `POST invitations`. With an address the invitation is sent there. */
export const NewInvitation = Closed({ email: Type.Optional(EmailAddress) });
export type NewInvitation = Static<typeof NewInvitation>;

/** Its answer: the only time at which the token is told. */
export const MadeInvitation = Closed({ id: InvitationId, invitation: InvitationToken, expiresAt: Time });
export type MadeInvitation = Static<typeof MadeInvitation>;

/** `GET invitations`: those that nobody has used yet. */
export const Invitations = Closed({
  invitations: Type.Array(
    Closed({ id: InvitationId, email: Type.Optional(EmailAddress), createdAt: Time, expiresAt: Time }),
    { maxItems: 1_000 },
  ),
});
export type Invitations = Static<typeof Invitations>;
