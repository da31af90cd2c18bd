import { useEffect } from 'preact/hooks';
import type { CallSignal } from '#client/content/call-signal.ts';
import type { Home } from '#client/home.ts';
import type { Messenger } from '#client/messenger.ts';
import type { Conversation } from '#signalling/client-home.ts';
import { type ConversationId, domainOf, type UserId } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import { useStore } from '../lib/use-store.ts';
import { Avatar } from './avatar.tsx';
import { Icon } from './icon.tsx';
import { Organisation } from './organisation.tsx';

interface Props {
  readonly messenger: Messenger;
  readonly home: Home;
  readonly me: UserId | undefined;
  /** The conversation on the page, whose own banner says it already. */
  readonly open: ConversationId | undefined;
  readonly onJoin: (conversation: ConversationId) => void;
}

/** In larger conversations nobody wants to hear of everybody whether it rings. */
const MOST_TOLD = 8;
/** Whoever does not come by then has missed it, though it may go on. ms */
const RINGS_MS = 45_000;

/** What others are told can wait for a better line; here it takes effect at once. */
function answer(messenger: Messenger, conversation: ConversationId, signal: CallSignal): void {
  messenger.answerCall(conversation, signal).catch(() => undefined);
}

/** Somebody calls: who, where, and the two answers. */
export function Ringing({ messenger, home, me, open, onJoin }: Props) {
  const state = useStore(home.store);
  const calls = state.ringing.flatMap((id) => state.conversations.find((each) => each.conversation === id) ?? []);
  return (
    <>
      {calls
        .filter(({ call, conversation }) => call !== undefined && call.startedBy !== me && conversation !== open)
        .map((conversation) => (
          <Ring
            key={conversation.conversation}
            conversation={conversation}
            me={me}
            onJoin={() => onJoin(conversation.conversation)}
            onRing={() => {
              if (conversation.members.length <= MOST_TOLD) answer(messenger, conversation.conversation, 'ringing');
            }}
            onSilence={() => home.decline(conversation.conversation)}
            onDecline={() => answer(messenger, conversation.conversation, 'declined')}
          />
        ))}
    </>
  );
}

function Ring(props: {
  conversation: Conversation;
  me: UserId | undefined;
  onJoin: () => void;
  onDecline: () => void;
  onRing: () => void;
  onSilence: () => void;
}) {
  const { call, members, title } = props.conversation;
  const caller = members.find(({ user }) => user === call?.startedBy)?.name ?? 'Somebody';
  const domain = call && domainOf(call.startedBy);
  const isForeign = domain !== undefined && props.me !== undefined && domain !== domainOf(props.me);
  const sentence = `${caller}${isForeign ? ` of ${domain}` : ''} is calling in ${title}`;
  useEffect(() => announce(sentence), [sentence]);
  const conference = call?.conference;
  useEffect(() => {
    if (conference === undefined) return;
    props.onRing();
    const timer = setTimeout(() => props.onSilence(), RINGS_MS);
    return () => clearTimeout(timer);
    // Once for each call, whatever else changes.
  }, [conference]);
  return (
    <section class="ringing" aria-label="Incoming call">
      <Avatar name={caller} size={44} />
      <p>
        <strong>{caller}</strong> {isForeign && <Organisation domain={domain} foreign />} is calling
        <span class="quiet-text"> · {title}</span>
      </p>
      <button type="button" onClick={props.onDecline}>
        Decline
      </button>
      <button type="button" class="primary" onClick={props.onJoin}>
        <Icon name="phone" size={20} />
        Join
      </button>
    </section>
  );
}
