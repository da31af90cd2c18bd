import { useEffect } from 'preact/hooks';
import { newIn } from '#client/calls/log.ts';
import { announce } from '../lib/announce.ts';
import type { Chat } from '../lib/chat.ts';
import type { PageSession } from '../lib/session.ts';
import { useStore } from '../lib/use-store.ts';
import { Icon } from '../parts/icon.tsx';

/** The way to the list of calls, with how many were missed that one has not looked at. */
export function CallsButton({ session, chat }: { session: PageSession; chat: Chat }) {
  const place = useStore(session.place);
  const count = newIn(useStore(chat.messenger.calls.log.store)).length;
  const words = `${count} missed ${count === 1 ? 'call' : 'calls'}`;
  useEffect(() => {
    if (count > 0) announce(words);
  }, [words]);
  return (
    <button
      type="button"
      class="quiet icon-only counted-button"
      aria-label={count > 0 ? `Calls, ${words}` : 'Calls'}
      title="Calls"
      aria-current={place.at === 'calls' ? 'page' : undefined}
      onClick={() => session.place.set({ at: 'calls' })}
    >
      <Icon name="phone" />
      {count > 0 && (
        <span class="badge" aria-hidden="true">
          {count > 99 ? '99+' : count}
        </span>
      )}
    </button>
  );
}
