import { useEffect, useState } from 'preact/hooks';
import type { Home } from '#client/home.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { addressOf } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import type { PageSession } from '../lib/session.ts';
import { useStore } from '../lib/use-store.ts';
import { ConversationList } from './conversation-list.tsx';
import { ConversationPage } from './conversation-page.tsx';
import { Icon } from './icon.tsx';
import { Logo } from './logo.tsx';
import { Message } from './message.tsx';
import { NewConversation } from './new-conversation.tsx';
import { Ringing } from './ringing.tsx';

export function HomeScreen({ session, home }: { session: PageSession; home: Home }) {
  const state = useStore(home.store);
  const account = useStore(session.account.store);
  const ended = useStore(session.callEnded);
  const selected = useStore(session.selected);
  const [adding, setAdding] = useState(false);
  const select = (conversation: ConversationId | undefined) => session.selected.set(conversation);
  const me = account.phase === 'signedIn' ? account.user : undefined;

  useEffect(() => {
    const retry = () => home.retryNow();
    addEventListener('online', retry);
    return () => removeEventListener('online', retry);
  }, [home]);
  useEffect(() => {
    if (ended) announce(ended.sentence);
  }, [ended]);

  const shown = state.conversations.find((each) => each.conversation === selected);
  return (
    <div class={shown ? 'home has-selection' : 'home'}>
      <nav class="side" aria-label="Conversations">
        <header class="side-head">
          <Logo size={32} />
          <h1>Hawser</h1>
          <button
            type="button"
            class="quiet icon-only"
            aria-label="New conversation"
            title="New conversation"
            onClick={() => setAdding(true)}
          >
            <Icon name="plus" />
          </button>
        </header>
        {state.ready && !state.connected && <p class="side-note">Connecting to your server again…</p>}
        <ConversationList state={state} me={me?.user} selected={selected} onSelect={select} />
        <footer class="side-foot">
          <span class="side-me">
            <strong>{me?.name}</strong>
            <span class="quiet-text">{me && addressOf(me.user)}</span>
          </span>
          <button type="button" class="quiet" onClick={() => void session.account.signOut().catch(() => undefined)}>
            Sign out
          </button>
        </footer>
      </nav>
      <main class="stage">
        {ended && <Message failure={ended} onDismiss={() => session.callEnded.set(undefined)} />}
        <Ringing
          home={home}
          me={me?.user}
          open={selected}
          onJoin={(conversation) => session.enterCall(conversation, false)}
        />
        {shown ? (
          <ConversationPage
            key={shown.conversation}
            home={home}
            conversation={shown}
            me={me}
            onBack={() => select(undefined)}
            onCall={(start) => session.enterCall(shown.conversation, start)}
          />
        ) : (
          <Welcome empty={state.ready && state.conversations.length === 0} onNew={() => setAdding(true)} />
        )}
      </main>
      {adding && (
        <NewConversation
          home={home}
          me={me}
          onClose={() => setAdding(false)}
          onCreated={(conversation) => {
            setAdding(false);
            select(conversation);
          }}
        />
      )}
    </div>
  );
}

function Welcome({ empty, onNew }: { empty: boolean; onNew: () => void }) {
  return (
    <div class="welcome">
      <Logo size={72} />
      {empty ? (
        <>
          <h2>No conversation yet</h2>
          <p class="quiet-text">Start one with somebody of your organisation or of another one that yours trusts.</p>
          <button type="button" class="primary" onClick={onNew}>
            New conversation
          </button>
        </>
      ) : (
        <>
          <h2>Choose a conversation</h2>
          <p class="quiet-text">Start a call from it, or join the one that goes on.</p>
        </>
      )}
    </div>
  );
}
