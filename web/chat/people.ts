/** The people of a conversation, by id. Pure. */
import { namedIn } from '#client/calls/guests.ts';
import type { Call, Conversation, Member } from '#signalling/client-home.ts';
import { type ConversationId, domainOf, type UserId } from '#signalling/ids.ts';
import { isGuestOf } from '#signalling/moderation.ts';
import { plain } from '../lib/plain.ts';
import { EVERYONE, strangerName } from './mentions.ts';

export interface People {
  readonly conversation: ConversationId;
  readonly self: UserId;
  readonly members: ReadonlyMap<UserId, Member>;
  /** Everybody but this person. */
  readonly others: readonly UserId[];
}

export function peopleOf({ conversation, members }: Conversation, self: UserId): People {
  return {
    conversation,
    self,
    members: new Map(members.map((each) => [each.user, each])),
    others: members.map(({ user }) => user).filter((user) => user !== self),
  };
}

/** How somebody is called in a sentence; whoever has left is called by his handle. */
export function nameOf({ members }: Pick<People, 'members'>, user: UserId): string {
  const name = plain(members.get(user)?.name ?? '').trim();
  return name === '' ? strangerName(user) : name;
}

/** The same with the organisation, where it is another one than that of this person: nobody is to be taken for a colleague. */
export function fullNameOf(people: Pick<People, 'members' | 'self'>, user: UserId): string {
  return withOrganisation(nameOf(people, user), user, people.self);
}

/** `Bob` for a colleague, `Bob (beta.example)` for somebody of another organisation. */
export function withOrganisation(name: string, user: UserId, self: UserId): string {
  const domain = domainOf(user);
  return domain === domainOf(self) ? name : `${name} (${domain})`;
}

/** The full name, but `You` for this person. */
export function calledOf(people: People, user: UserId): string {
  return user === people.self ? 'You' : fullNameOf(people, user);
}

/** How the target of a mention is called here; undefined where nobody here knows it. */
export function mentionedOf(people: People, target: UserId | ConversationId): string | undefined {
  if (target === people.conversation) return EVERYONE;
  const member = people.members.get(target as UserId);
  return member && `@${nameOf(people, member.user)}`;
}

/** Who is in a call, each with the organisation where it is another one; guests are called with theirs. */
export function inCallOf(call: Call, self: UserId): string[] {
  return namedIn(call).map(({ user, name }) => (isGuestOf(call, user) ? name : withOrganisation(name, user, self)));
}
