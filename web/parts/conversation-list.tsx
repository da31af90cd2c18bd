import type { HomeState } from '#client/home-state.ts';
import type { Conversation } from '#signalling/client-home.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import { listOf } from '../lib/words.ts';
import { Avatar } from './avatar.tsx';

interface Props {
  readonly state: HomeState;
  readonly me: UserId | undefined;
  readonly selected: ConversationId | undefined;
  readonly onSelect: (conversation: ConversationId) => void;
}

export function ConversationList({ state, me, selected, onSelect }: Props) {
  if (!state.ready) return <p class="side-note">Loading your conversations…</p>;
  const sorted = [...state.conversations].sort(
    (a, b) => Number(b.call !== undefined) - Number(a.call !== undefined) || a.title.localeCompare(b.title),
  );
  return (
    <ul class="conversations">
      {sorted.map((each) => (
        <li key={each.conversation}>
          <button
            type="button"
            class="conversation"
            aria-current={each.conversation === selected ? 'true' : undefined}
            onClick={() => onSelect(each.conversation)}
          >
            <Avatar name={each.title} size={42} />
            <span class="conversation-words">
              <strong>{each.title}</strong>
              <Line conversation={each} me={me} />
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Line({ conversation, me }: { conversation: Conversation; me: UserId | undefined }) {
  if (conversation.call) {
    const names = conversation.call.members.map(({ name }) => name);
    return <span class="live">{names.length > 0 ? `In a call: ${listOf(names)}` : 'A call goes on'}</span>;
  }
  const others = conversation.members.filter(({ user }) => user !== me).map(({ name }) => name);
  return <span class="quiet-text">{others.length > 0 ? listOf(others) : 'Only you'}</span>;
}
