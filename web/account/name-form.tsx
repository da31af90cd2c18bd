import { useLayoutEffect, useState } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import { announce } from '../lib/announce.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { useStore } from '../lib/use-store.ts';
import { Message } from '../parts/message.tsx';

const MOST = 80;

/** The name that others see. */
export function NameForm({ account }: { account: Account }) {
  const state = useStore(account.store);
  const known = state.phase === 'signedIn' ? state.user.name : '';
  const [name, setName] = useState(known);
  const { busy, failure, submit, dismiss } = useAttempt();
  useLayoutEffect(() => setName(known), [known]);
  const next = name.trim();
  const rename = async () => {
    const changed = await account.rename(next);
    setName(changed.name);
    announce(`Others see you as ${changed.name} now`);
  };
  return (
    <form class="add-member" onSubmit={submit(rename)}>
      {failure && <Message failure={failure} onDismiss={dismiss} />}
      <label>
        <span>What others see as your name</span>
        <span class="with-button">
          <input
            name="name"
            autocomplete="name"
            dir="auto"
            value={name}
            maxLength={MOST}
            required
            onInput={(event) => setName(event.currentTarget.value)}
          />
          <button type="submit" disabled={busy || next === '' || next === known}>
            {busy ? 'Renaming…' : 'Rename'}
          </button>
        </span>
      </label>
    </form>
  );
}
