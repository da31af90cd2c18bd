/**
 * Guests of a call: people without an account, whom somebody who moderates the call invites by a link. Each is of the organisation of whoever
 * invited, is in that call alone, and comes in only where somebody lets him.
 */
import Type, { type Static } from 'typebox';
import { Closed } from './contract.ts';
import { DomainName, UserId } from './ids.ts';

/** ms since 1970. */
const Time = Type.Integer({ minimum: 0 });
const Name = Type.String({ minLength: 1, maxLength: 80, pattern: '^[^\\u0000-\\u001f\\u007f]+$' });

/** Guests of one call at the same time. */
export const MAX_GUESTS = 100;
/** Links of one call that are good at the same time. */
export const MAX_GUEST_LINKS = 20;
/** The longest that a link is good, and a guest may stay; the end of the call ends both. ms */
export const GUEST_MS = 24 * 3_600_000;
export const MAX_GUEST_NAME = 40;

/** Somebody whom `by` has invited. He is of the domain of `by`. */
export const Guest = Closed({ user: UserId, name: Name, by: UserId });
export type Guest = Static<typeof Guest>;

/** What is in a link, behind the `#`: 24 random bytes, base64url. Whoever has it may knock at the call. */
export const GuestToken = Type.String({ pattern: '^[A-Za-z0-9_-]{32}$' });
/** Says which link is meant, and opens nothing: 16 random bytes, base64url. */
export const GuestLinkId = Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' });

/** Answer of `POST conversations/:conversation/call/guest-links`, and the only time at which the token is told. */
export const MadeGuestLink = Closed({ id: GuestLinkId, token: GuestToken, expiresAt: Time });
export type MadeGuestLink = Static<typeof MadeGuestLink>;

/** `GET conversations/:conversation/call/guest-links`: the own ones that are good, oldest first. */
export const GuestLinks = Closed({
  links: Type.Array(Closed({ id: GuestLinkId, createdAt: Time, expiresAt: Time }), { maxItems: MAX_GUEST_LINKS }),
});
export type GuestLinks = Static<typeof GuestLinks>;

/** `POST guest-links/look`: what a link invites to. What the call is called is told to whoever was let in. */
export const GivenGuestLink = Closed({ token: GuestToken });
export const GuestInvitation = Closed({ by: Name, domain: DomainName });
export type GuestInvitation = Static<typeof GuestInvitation>;

/** `POST guests` */
export const NewGuest = Closed({ token: GuestToken, name: Name });
export type NewGuest = Static<typeof NewGuest>;

// Letters with their marks, digits, and what stands in names. No sign that could be taken for one of the page's own, such as a tick or a lock.
const NAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} .'’-]*$/u;

/** A name as it is shown: one spelling of what looks the same. Undefined where it is none. */
export function guestNameOf(text: string): string | undefined {
  const name = text.toWellFormed().normalize('NFC').replace(/\s+/gu, ' ').trim();
  return [...name].length <= MAX_GUEST_NAME && name.length <= 80 && NAME.test(name) ? name : undefined;
}
