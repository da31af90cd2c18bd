import type { Chat } from '../lib/chat.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { useStore } from '../lib/use-store.ts';
import type { WakeUpState } from '../lib/wake-ups.ts';
import { Message } from '../parts/message.tsx';

/** Whether this device tells of what is new while Hawser is closed. */
export function WakeUpSwitch({ chat: { wakeUps } }: { chat: Chat }) {
  const state = useStore(wakeUps.store);
  const { busy, failure, run, dismiss } = useAttempt();
  const isOn = state.phase === 'on';
  const change = () => void run(() => (isOn ? wakeUps.switchOff() : wakeUps.switchOn()));
  return (
    <section class="wake-up" aria-label="Notifications">
      <div class="device-words">
        <h3 id="wake-up">Notifications while Hawser is closed</h3>
        <p class="quiet-text" id="wake-up-about">
          {aboutOf(state)}
        </p>
        {failure && <Message failure={failure} onDismiss={dismiss} />}
      </div>
      {(state.phase === 'on' || state.phase === 'off') && (
        <button
          type="button"
          role="switch"
          class={isOn ? 'small primary' : 'small'}
          aria-checked={isOn}
          aria-labelledby="wake-up"
          aria-describedby="wake-up-about"
          disabled={busy}
          onClick={change}
        >
          {isOn ? 'On' : 'Off'}
        </button>
      )}
    </section>
  );
}

function aboutOf(state: WakeUpState): string {
  switch (state.phase) {
    case 'unknown':
      return 'Asking your server…';
    case 'impossible':
      return state.by === 'browser'
        ? 'This browser cannot do that. Keep Hawser open to hear of what is new.'
        : 'Your organisation has switched that off. Keep Hawser open to hear of what is new.';
    case 'off':
      return state.blocked
        ? 'Your browser does not let Hawser show notifications. Allow them in its settings for this site, then open Hawser again.'
        : 'This device says that something is new, never who wrote or what. Your server wakes it through the maker of your browser, who learns when that happens, and no more.';
    case 'on':
      return 'This device says that something is new, never who wrote or what, for as long as you are signed in here.';
  }
}
