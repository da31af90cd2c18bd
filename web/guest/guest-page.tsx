import { useLayoutEffect, useRef } from 'preact/hooks';
import type { GuestInvitation } from '#signalling/guests.ts';
import { MAX_GUEST_NAME } from '#signalling/guests.ts';
import { CallScreen } from '../call/call-screen.tsx';
import { EntryCard } from '../entry/card.tsx';
import { plain } from '../lib/plain.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { useStore } from '../lib/use-store.ts';
import { Logo } from '../parts/logo.tsx';
import { Message } from '../parts/message.tsx';
import type { GuestSession } from './guest-session.ts';

/** Everything that somebody sees who came by a link to a call. */
export function GuestPage({ session }: { session: GuestSession }) {
  const state = useStore(session.store);
  switch (state.screen) {
    case 'loading':
      return (
        <main class="centre" aria-busy="true">
          <Logo size={56} />
          <span class="sr-only">Loading</span>
        </main>
      );
    case 'closed':
      return (
        <EntryCard
          title="Hawser"
          words="A call to which you were invited."
          onSubmit={(event) => event.preventDefault()}
        >
          <Message failure={state.failure} />
        </EntryCard>
      );
    case 'name':
      return <NameForm session={session} invitation={state.invitation} />;
    case 'call':
      return <CallScreen session={session} home={state.home} call={state.call} />;
    case 'left':
      return (
        <EntryCard
          title={state.reason ? 'The call is over for you' : 'You have left the call'}
          words="Nothing of it is kept in this browser. You may close this page."
          onSubmit={(event) => event.preventDefault()}
        >
          {state.reason && <Message failure={state.reason} />}
          <button type="button" class="wide" onClick={() => location.reload()}>
            Come again
          </button>
        </EntryCard>
      );
  }
}

/** Who invites, and as whom one comes. What the call is called is told to whoever was let in. */
function NameForm({ session, invitation: { by, domain } }: { session: GuestSession; invitation: GuestInvitation }) {
  const { busy, failure, run } = useAttempt();
  const name = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => name.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!(await run(() => session.enter(name.current?.value ?? '')))) name.current?.select();
  };
  return (
    <EntryCard
      title="Join a call"
      words={`${plain(by)} of ${domain} invites you to a call. You need no account: somebody in the call lets you in, and everybody in it sees that you are a guest of ${domain}.`}
      onSubmit={submit}
    >
      {failure && <Message failure={failure} />}
      <label>
        <span>Your name</span>
        <input ref={name} name="name" autocomplete="name" maxLength={MAX_GUEST_NAME} required placeholder="Nina" />
      </label>
      <button type="submit" class="primary wide" disabled={busy}>
        {busy ? 'Knocking…' : 'Ask to be let in'}
      </button>
    </EntryCard>
  );
}
