import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Found } from '#client/following.ts';
import { addressOf, type ConversationId } from '#signalling/ids.ts';
import { AccountPage } from '../account/account-page.tsx';
import { AdminPage } from '../admin/admin-page.tsx';
import { putOutInWords } from '../call/moderation-words.ts';
import { CallsButton } from '../calls/calls-button.tsx';
import { CallsPage } from '../calls/calls-page.tsx';
import { ConversationList } from '../chat/conversation-list.tsx';
import { ConversationPage } from '../chat/conversation-page.tsx';
import { countedOf } from '../chat/order.ts';
import { SearchResults } from '../chat/search-results.tsx';
import { DeviceBanner } from '../device/device-banner.tsx';
import { DevicesPage } from '../device/devices-page.tsx';
import { announce } from '../lib/announce.ts';
import type { Chat } from '../lib/chat.ts';
import { ADMIN_PATH, type PageSession, type Place } from '../lib/session.ts';
import { useStore } from '../lib/use-store.ts';
import { PeoplePage } from '../people/people-page.tsx';
import { waiting } from '../people/sections.ts';
import { Avatar } from './avatar.tsx';
import { CountedButton } from './counted-button.tsx';
import { Icon } from './icon.tsx';
import { Logo } from './logo.tsx';
import { Message } from './message.tsx';
import { NewConversation } from './new-conversation.tsx';
import { Ringing } from './ringing.tsx';

/** What stands beside the list without being a conversation. */
const PAGES: readonly Place['at'][] = ['account', 'admin', 'calls', 'devices', 'people'];

export function HomeScreen({ session, chat }: { session: PageSession; chat: Chat }) {
  const { home } = chat;
  const state = useStore(home.store);
  const ended = useStore(session.callEnded);
  const place = useStore(session.place);
  const [adding, setAdding] = useState(false);
  const open = useCallback(
    (conversation: ConversationId) => session.place.set({ at: 'conversation', conversation }),
    [session],
  );
  const close = () => session.place.set({ at: 'nothing' });

  useEffect(() => {
    const retry = () => home.retryNow();
    addEventListener('online', retry);
    return () => removeEventListener('online', retry);
  }, [home]);
  useEffect(() => {
    if (ended) announce(ended.sentence);
  }, [ended]);
  useTitle(chat);
  useEffect(() => {
    const path = place.at === 'admin' ? ADMIN_PATH : '/';
    if (location.pathname !== path) history.replaceState(null, '', path);
  }, [place.at]);

  const selected = place.at === 'conversation' ? place.conversation : undefined;
  const shown = state.conversations.find((each) => each.conversation === selected);
  return (
    <div class={shown || PAGES.includes(place.at) ? 'home has-selection' : 'home'}>
      <Side session={session} chat={chat} selected={selected} onOpen={open} onNew={() => setAdding(true)} />
      <main class="stage">
        <div class="stage-notices">
          {ended && (
            <Message
              failure={putOutInWords(ended, shown, chat.me.user)}
              onDismiss={() => session.callEnded.set(undefined)}
            />
          )}
          <DeviceBanner chat={chat} onLook={() => session.place.set({ at: 'devices' })} />
          <Ringing
            messenger={chat.messenger}
            home={home}
            me={chat.me.user}
            open={selected}
            onJoin={(conversation) => session.enterCall(conversation, 'join')}
          />
        </div>
        {place.at === 'account' ? (
          <AccountPage session={session} chat={chat} onBack={close} />
        ) : place.at === 'admin' ? (
          <AdminPage account={session.account} onBack={close} />
        ) : place.at === 'calls' ? (
          <CallsPage session={session} chat={chat} onBack={close} />
        ) : place.at === 'devices' ? (
          <DevicesPage chat={chat} onBack={close} />
        ) : place.at === 'people' ? (
          <PeoplePage chat={chat} onBack={close} />
        ) : shown ? (
          <ConversationPage
            key={shown.conversation}
            chat={chat}
            conversation={shown}
            message={place.at === 'conversation' ? place.message : undefined}
            onBack={close}
            onCall={(entrance) => session.enterCall(shown.conversation, entrance)}
          />
        ) : (
          <Welcome empty={state.ready && state.conversations.length === 0} onNew={() => setAdding(true)} />
        )}
      </main>
      {adding && (
        <NewConversation
          messenger={chat.messenger}
          me={chat.me}
          onClose={() => setAdding(false)}
          onCreated={(conversation) => {
            setAdding(false);
            open(conversation);
          }}
        />
      )}
    </div>
  );
}

interface SideProps {
  readonly session: PageSession;
  readonly chat: Chat;
  readonly selected: ConversationId | undefined;
  readonly onOpen: (conversation: ConversationId) => void;
  readonly onNew: () => void;
}

function Side({ session, chat, selected, onOpen, onNew }: SideProps) {
  const { ready, connected } = useStore(chat.home.store);
  const place = useStore(session.place);
  const [query, setQuery] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const find = ({ conversation, message }: Found) => session.place.set({ at: 'conversation', conversation, message });
  return (
    <nav class="side" aria-label="Conversations">
      <header class="side-head">
        <Logo size={32} />
        <h1>Hawser</h1>
        <button
          type="button"
          class="quiet icon-only"
          aria-label="New conversation"
          title="New conversation"
          onClick={onNew}
        >
          <Icon name="plus" />
        </button>
      </header>
      <search class="search">
        <Icon name="search" size={18} />
        <input
          ref={field}
          type="search"
          value={query}
          dir="auto"
          aria-label="Search in all messages on this device"
          placeholder="Search messages"
          onInput={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Escape' && setQuery('')}
        />
        {query !== '' && (
          <button
            type="button"
            class="quiet icon-only"
            aria-label="Clear the search"
            onClick={() => {
              setQuery('');
              field.current?.focus();
            }}
          >
            <Icon name="close" size={16} />
          </button>
        )}
      </search>
      {ready && !connected && <p class="side-note">Connecting to your server again…</p>}
      {query.trim() === '' ? (
        <ConversationList chat={chat} selected={selected} onSelect={onOpen} />
      ) : (
        <SearchResults chat={chat} query={query} onOpen={find} />
      )}
      <footer class="side-foot">
        <AccountButton session={session} chat={chat} />
        <AdminButton session={session} />
        <CallsButton session={session} chat={chat} />
        <PeopleButton session={session} chat={chat} />
        <button
          type="button"
          class="quiet icon-only"
          aria-label="Your devices"
          title="Your devices"
          aria-current={place.at === 'devices' ? 'page' : undefined}
          onClick={() => session.place.set({ at: 'devices' })}
        >
          <Icon name="laptop" />
        </button>
      </footer>
    </nav>
  );
}

/** Whoever looks for the own account looks at the own name. */
function AccountButton({ session, chat: { me } }: Pick<SideProps, 'session' | 'chat'>) {
  const place = useStore(session.place);
  const account = useStore(session.account.store);
  const name = account.phase === 'signedIn' ? account.user.name : me.name;
  return (
    <button
      type="button"
      class="quiet side-me"
      title="Your account"
      aria-current={place.at === 'account' ? 'page' : undefined}
      onClick={() => session.place.set({ at: 'account' })}
    >
      <Avatar name={name} size={34} />
      <span class="side-words">
        <strong>
          <span class="sr-only">Your account: </span>
          <bdi>{name}</bdi>
        </strong>
        <span class="quiet-text">{addressOf(me.user)}</span>
      </span>
    </button>
  );
}

/** Only where one administers. */
function AdminButton({ session }: Pick<SideProps, 'session'>) {
  const place = useStore(session.place);
  const account = useStore(session.account.store);
  if (account.phase !== 'signedIn' || !account.user.administrator) return null;
  return (
    <button
      type="button"
      class="quiet icon-only"
      aria-label="Other organisations"
      title="Other organisations"
      aria-current={place.at === 'admin' ? 'page' : undefined}
      onClick={() => session.place.set({ at: 'admin' })}
    >
      <Icon name="building" />
    </button>
  );
}

/** With how many people wait for an answer. */
function PeopleButton({ session, chat }: Pick<SideProps, 'session' | 'chat'>) {
  const place = useStore(session.place);
  const count = waiting(useStore(chat.connections.store));
  return (
    <CountedButton
      name="People"
      icon="people"
      count={count}
      words={`${count} ${count === 1 ? 'person asks' : 'people ask'} to connect`}
      isCurrent={place.at === 'people'}
      onClick={() => session.place.set({ at: 'people' })}
    />
  );
}

/** How much is new, in the name of the window. */
function useTitle(chat: Chat): void {
  const summaries = useStore(chat.following.store);
  const count = [...summaries.values()].reduce((sum, each) => sum + countedOf(each).messages, 0);
  useEffect(() => {
    document.title = count > 0 ? `(${count}) Hawser` : 'Hawser';
    return () => {
      document.title = 'Hawser';
    };
  }, [count]);
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
          <p class="quiet-text">
            Write, call, or join a call that goes on. This device reads what is said from the day on which it was added.
          </p>
        </>
      )}
    </div>
  );
}
