/**
 * The conversation in which the devices of one person tell each other what was set: he is alone in it, so that it is
 * encrypted for his devices and nobody else. It is not shown.
 */
import type { Conversation } from '#signalling/client-home.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';

/** Its title, by which his devices find it. */
export const OWN_CONVERSATION = 'hawser: own devices';

export function isOwnConversation({ title, members }: Conversation, self: UserId): boolean {
  return title === OWN_CONVERSATION && members.length === 1 && members[0]?.user === self;
}

/** Of two that two devices made at once, the same for both. */
export function findOwnConversation(all: readonly Conversation[], self: UserId): ConversationId | undefined {
  const [first] = all
    .filter((each) => isOwnConversation(each, self))
    .map(({ conversation }) => conversation)
    .sort();
  return first;
}
