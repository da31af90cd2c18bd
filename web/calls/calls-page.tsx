import { useEffect, useMemo, useState } from 'preact/hooks';
import { newIn } from '#client/calls/log.ts';
import type { ConferenceId } from '#signalling/ids.ts';
import type { Chat } from '../lib/chat.ts';
import type { PageSession } from '../lib/session.ts';
import { useStore } from '../lib/use-store.ts';
import { fullWhen } from '../lib/when.ts';
import { Avatar } from '../parts/avatar.tsx';
import { Icon } from '../parts/icon.tsx';
import { Organisation } from '../parts/organisation.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { type CallLine, linesOf } from './lines.ts';

interface Props {
  readonly session: PageSession;
  readonly chat: Chat;
  readonly onBack: () => void;
}

/** So many at a time. */
const SHOWN = 100;

/** The calls of all conversations, as this device has heard of them. */
export function CallsPage({ session, chat, onBack }: Props) {
  const { calls } = chat.messenger;
  const logged = useStore(calls.log.store);
  const { conversations } = useStore(chat.home.store);
  const [shown, setShown] = useState(SHOWN);
  // What was new when one came here stays marked until one goes.
  const [marked, setMarked] = useState<ReadonlySet<ConferenceId>>(new Set());
  useEffect(() => {
    const fresh = newIn(logged).map(({ conference }) => conference);
    if (fresh.length === 0) return;
    setMarked((before) => before.union(new Set(fresh)));
    calls.see();
  }, [calls, logged]);
  const lines = useMemo(() => linesOf(logged, conversations, chat.me.user), [logged, conversations, chat]);
  return (
    <section class="devices-page" aria-label="Calls">
      <PageHead title="Calls" onBack={onBack}>
        The last calls of all your conversations, as this device has heard of them. The list stays on this device.
      </PageHead>
      {lines.length === 0 && (
        <p class="quiet-text known-none">No call yet. Open a conversation and choose “Start call”.</p>
      )}
      {lines.length > 0 && (
        <section class="people known" aria-label="Newest calls first">
          <ul>
            {lines.slice(0, shown).map((line) => (
              <Line key={line.conference} session={session} line={line} isNew={marked.has(line.conference)} />
            ))}
          </ul>
        </section>
      )}
      {lines.length > shown && (
        <button type="button" onClick={() => setShown(shown + SHOWN)}>
          Show older calls
        </button>
      )}
    </section>
  );
}

function Line({ session, line, isNew }: { session: PageSession; line: CallLine; isNew: boolean }) {
  const { conversation, title, foreign, direction, missed, words, at, isOpen, act } = line;
  return (
    <li class={missed ? 'person call-line call-missed' : 'person call-line'}>
      <Avatar name={title} size={40} />
      <span class="person-words">
        <strong>
          <bdi>{title}</bdi>
          {isNew && <span class="call-new">new</span>}
        </strong>
        <span class="quiet-text call-came">
          <Icon name={direction === 'incoming' ? 'callIn' : 'callOut'} size={15} />
          {words}
        </span>
        <time class="quiet-text" dateTime={new Date(at).toISOString()}>
          {fullWhen(at, Date.now())}
        </time>
      </span>
      {foreign.map((domain) => (
        <Organisation key={domain} domain={domain} foreign />
      ))}
      <span class="person-verbs">
        {act && (
          <button
            type="button"
            class={act === 'join' ? 'primary small' : 'small'}
            onClick={() => session.enterCall(conversation, act)}
          >
            <Icon name="phone" size={16} />
            {act === 'join' ? 'Join' : direction === 'incoming' ? 'Call back' : 'Call again'}
            <span class="sr-only"> {title}</span>
          </button>
        )}
        {isOpen && (
          <button
            type="button"
            class="quiet small"
            onClick={() => session.place.set({ at: 'conversation', conversation })}
          >
            Open
            <span class="sr-only"> the conversation with {title}</span>
          </button>
        )}
      </span>
    </li>
  );
}
