import { newIn } from '#client/calls/log.ts';
import type { Chat } from '../lib/chat.ts';
import type { PageSession } from '../lib/session.ts';
import { useStore } from '../lib/use-store.ts';
import { CountedButton } from '../parts/counted-button.tsx';

/** The way to the list of calls, with how many were missed that one has not looked at. */
export function CallsButton({ session, chat }: { session: PageSession; chat: Chat }) {
  const place = useStore(session.place);
  const count = newIn(useStore(chat.messenger.calls.log.store)).length;
  return (
    <CountedButton
      name="Calls"
      icon="phone"
      count={count}
      words={`${count} missed ${count === 1 ? 'call' : 'calls'}`}
      isCurrent={place.at === 'calls'}
      onClick={() => session.place.set({ at: 'calls' })}
    />
  );
}
