import { useMemo, useState } from 'preact/hooks';
import type { Conversation } from '#signalling/client-home.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import type { Chat } from '../lib/chat.ts';
import { useStore } from '../lib/use-store.ts';
import { shortWhen } from '../lib/when.ts';
import { listOf } from '../lib/words.ts';
import { Avatar } from '../parts/avatar.tsx';
import { Icon } from '../parts/icon.tsx';
import { countedOf, type Listed, listsOf } from './order.ts';
import { inCallOf, peopleOf, withOrganisation } from './people.ts';
import { summaryLine } from './summary-line.ts';

interface Props {
  readonly chat: Chat;
  readonly selected: ConversationId | undefined;
  readonly onSelect: (conversation: ConversationId) => void;
}

export function ConversationList({ chat, selected, onSelect }: Props) {
  const { ready, conversations } = useStore(chat.home.store);
  const summaries = useStore(chat.following.store);
  const [showArchived, setShowArchived] = useState(false);
  const self = chat.me.user;
  const { current, archived } = useMemo(
    () => listsOf(conversations, summaries, self),
    [conversations, summaries, self],
  );
  if (!ready) return <p class="side-note">Loading your conversations…</p>;
  const row = (each: Listed) => (
    <Row
      key={each.conversation.conversation}
      listed={each}
      self={self}
      isSelected={each.conversation.conversation === selected}
      onSelect={onSelect}
    />
  );
  return (
    <div class="conversations">
      <ul aria-label="Conversations">{current.map(row)}</ul>
      {archived.length > 0 && (
        <>
          <button
            type="button"
            class="quiet small archived-head"
            aria-expanded={showArchived}
            onClick={() => setShowArchived(!showArchived)}
          >
            <Icon name="archive" size={18} />
            Archived ({archived.length})
          </button>
          {showArchived && <ul aria-label="Archived conversations">{archived.map(row)}</ul>}
        </>
      )}
    </div>
  );
}

/** Drawn again only when something of it changed: of a thousand rows, one or two with each message. */
function Row({
  listed: { conversation, summary },
  self,
  isSelected,
  onSelect,
}: {
  listed: Listed;
  self: UserId;
  isSelected: boolean;
  onSelect: (conversation: ConversationId) => void;
}) {
  return useMemo(() => {
    const { messages, mentions } = countedOf(summary);
    const muted = summary?.settings.muted ?? 'nothing';
    return (
      <li class="conversation-item">
        <button
          type="button"
          class={messages > 0 ? 'conversation has-unread' : 'conversation'}
          aria-current={isSelected ? 'true' : undefined}
          onClick={() => onSelect(conversation.conversation)}
        >
          <Avatar name={conversation.title} size={42} />
          <span class="conversation-words">
            <span class="conversation-top">
              <strong>
                <bdi>{conversation.title}</bdi>
              </strong>
              {summary && summary.lastAt > 0 && <time class="quiet-text">{shortWhen(summary.lastAt, Date.now())}</time>}
            </span>
            <span class="conversation-bottom">
              <Line listed={{ conversation, summary }} self={self} />
              {muted !== 'nothing' && (
                <span class="conversation-sign" title={muted === 'all' ? 'Muted' : 'Muted but for mentions'}>
                  <Icon name="muted" size={15} />
                  <span class="sr-only">{muted === 'all' ? 'muted' : 'muted but for mentions'}</span>
                </span>
              )}
              {mentions > 0 && (
                <span class="badge badge-mention" title="You are mentioned">
                  <Icon name="at" size={15} />
                  <span class="sr-only">you are mentioned</span>
                </span>
              )}
              {messages > 0 && (
                <span class="badge">
                  {messages > 999 ? '999+' : messages}
                  <span class="sr-only"> unread</span>
                </span>
              )}
            </span>
          </span>
        </button>
      </li>
    );
  }, [conversation, summary, self, isSelected, onSelect]);
}

function Line({ listed: { conversation, summary }, self }: { listed: Listed; self: UserId }) {
  if (conversation.call) {
    const names = inCallOf(conversation.call, self);
    return <span class="line live">{names.length > 0 ? `In a call: ${listOf(names)}` : 'A call goes on'}</span>;
  }
  const words = summary?.last ? summaryLine(summary.last, peopleOf(conversation, self)) : emptyLine(conversation, self);
  return (
    <bdi class="line quiet-text" dir="auto">
      {words}
    </bdi>
  );
}

function emptyLine({ members }: Conversation, self: UserId): string {
  const others = members
    .filter(({ user }) => user !== self)
    .map(({ user, name }) => withOrganisation(name, user, self));
  return others.length > 0 ? listOf(others) : 'Only you';
}
