/** Guests of a call: how they come by a link, and how others tell them from those who have an account. */
import type { Call, CallMember, Conversation, Member } from '#signalling/client-home.ts';
import { GuestInvitation, guestNameOf } from '#signalling/guests.ts';
import { domainOf, type UserId } from '#signalling/ids.ts';
import { isGuestOf } from '#signalling/moderation.ts';
import { callApi } from '../http.ts';

/** Where the page of guests is. What is behind the `#` no server is told. */
export const GUEST_PATH = '/guest';

/** @param origin of the homeserver whose call it is: `https://alpha.example` */
export function guestUrl(origin: string, token: string): string {
  return `${origin}${GUEST_PATH}#${token}`;
}

/** What is in the address that somebody opened; undefined where it is no link of guests. */
export function guestTokenIn(hash: string): string | undefined {
  return /^#([A-Za-z0-9_-]{32})$/.exec(hash)?.[1];
}

/**
 * Who invites by a link.
 * @param origin as for `callApi`
 * @throws HawserError HOME_GUEST_LINK_REFUSED, HOME_SLOW_DOWN, SIG_UNREACHABLE
 */
export function lookAtGuestLink(origin: string, token: string): Promise<GuestInvitation> {
  return callApi(origin, { method: 'POST', path: 'guest-links/look', body: { token }, answer: GuestInvitation });
}

/** `Nina, guest of alpha.example`: the only names with a comma are theirs. */
export function guestInWords({ user, name }: { readonly user: UserId; readonly name: string }): string {
  // What another organisation calls its guests may be anything.
  return `${guestNameOf(name) ?? 'Somebody'}, guest of ${domainOf(user)}`;
}

/** Everybody who may be in the call, guests by the name that is shown. */
export function peopleIn({ members, call }: Conversation): readonly Member[] {
  const guests = new Map((call?.guests ?? []).map((guest) => [guest.user, guest]));
  // To a guest they are members too.
  const others = members.filter(({ user }) => !guests.has(user));
  const named = [...guests.values()].map(
    (guest): Member => ({
      ...{ user: guest.user, domain: domainOf(guest.user), name: guestInWords(guest), role: 'guest' },
    }),
  );
  return [...others, ...named];
}

/** Those in the call, guests by the name that is shown. */
export function namedIn(call: Call): readonly CallMember[] {
  return call.members.map((member) =>
    isGuestOf(call, member.user) ? { ...member, name: guestInWords(member) } : member,
  );
}
