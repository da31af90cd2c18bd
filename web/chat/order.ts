/** In which order conversations are listed, and what is counted of them. Pure. */
import type { Summaries, Summary } from '#client/following.ts';
import { isOwnConversation } from '#client/own-conversation.ts';
import type { Conversation } from '#signalling/client-home.ts';
import type { UserId } from '#signalling/ids.ts';

export interface Listed {
  readonly conversation: Conversation;
  readonly summary: Summary | undefined;
}

export interface Lists {
  readonly current: readonly Listed[];
  readonly archived: readonly Listed[];
}

/** Calls that go on first, then by what was said last; what nobody has said a word in by its name. */
export function listsOf(conversations: readonly Conversation[], summaries: Summaries, self: UserId): Lists {
  const all = conversations
    .filter((each) => !isOwnConversation(each, self))
    .map((conversation): Listed => ({ conversation, summary: summaries.get(conversation.conversation) }))
    .sort(byActivity);
  // A call in an archived conversation would be missed.
  const isArchived = ({ conversation, summary }: Listed) =>
    summary?.settings.archived === true && conversation.call === undefined;
  return { current: all.filter((each) => !isArchived(each)), archived: all.filter(isArchived) };
}

function byActivity(a: Listed, b: Listed): number {
  return (
    Number(b.conversation.call !== undefined) - Number(a.conversation.call !== undefined) ||
    (b.summary?.lastAt ?? 0) - (a.summary?.lastAt ?? 0) ||
    a.conversation.title.localeCompare(b.conversation.title)
  );
}

/** What is new in a conversation as far as its owner wants to hear of it. */
export function countedOf(summary: Summary | undefined): { readonly messages: number; readonly mentions: number } {
  const unread = summary?.unread ?? { messages: 0, mentions: 0 };
  switch (summary?.settings.muted) {
    case 'all':
      return { messages: 0, mentions: 0 };
    case 'all-but-mentions':
      return { messages: unread.mentions, mentions: unread.mentions };
    default:
      return unread;
  }
}
