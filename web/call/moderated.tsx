import { useEffect, useState } from 'preact/hooks';
import { peopleIn } from '#client/calls/guests.ts';
import type { Home } from '#client/home.ts';
import type { Call, Conversation } from '#signalling/client-home.ts';
import type { UserId } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import { Icon } from '../parts/icon.tsx';
import { muteInWords, nameOf, rulesInWords } from './moderation-words.ts';

interface Props {
  readonly home: Home;
  readonly conversation: Conversation;
  readonly call: Call;
  readonly self: UserId;
  /** Whether this person moderates, and lets people in. */
  readonly moderates: boolean;
}

/** What was decided in this call and by whom, and to whoever moderates, who waits. */
export function Moderated({ home, conversation, call, self, moderates }: Props) {
  const members = peopleIn(conversation);
  const rules = rulesInWords(call, members, self);
  const waiting = moderates ? (call.moderation?.waiting ?? []) : [];
  const names = waiting.map(({ user }) => nameOf(user, members, self)).join(', ');
  useEffect(() => {
    if (rules) announce(rules);
  }, [rules]);
  useEffect(() => {
    if (names) announce(`${names} ${waiting.length === 1 ? 'waits' : 'wait'} to be let in`);
  }, [names]);
  return (
    <>
      {rules && <p class="call-rules">{rules}</p>}
      <Mute call={call} conversation={conversation} self={self} />
      {waiting.map(({ user }) => (
        <section key={user} class="message" role="status">
          <Icon name="knock" size={20} />
          <p>
            <bdi>{nameOf(user, members, self)}</bdi> waits to be let in.
          </p>
          <button type="button" onClick={() => void home.moderating.letIn(conversation.conversation, user)}>
            Let in
          </button>
          <button
            type="button"
            class="quiet"
            onClick={() => void home.moderating.putOut(conversation.conversation, user)}
          >
            Turn away
          </button>
        </section>
      ))}
    </>
  );
}

/** How long it is shown that somebody was muted, ms. */
const SHOWN_MS = 8_000;

function Mute({ call, conversation, self }: Pick<Props, 'call' | 'conversation' | 'self'>) {
  const at = call.moderation?.muted?.at;
  const [shown, setShown] = useState<number>();
  const words = muteInWords(call, peopleIn(conversation), self);
  // What was done before this person came is not told.
  const [first] = useState(at);
  useEffect(() => {
    if (at === undefined || at === first || words === undefined) return;
    announce(words);
    setShown(at);
    const timer = setTimeout(() => setShown(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [at]);
  return shown !== undefined && shown === at ? <p class="call-rules">{words}</p> : null;
}
