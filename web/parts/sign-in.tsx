import { useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import { Logo } from './logo.tsx';
import { Message } from './message.tsx';

export function SignIn({ account, failure: begun }: { account: Account; failure?: Failure | undefined }) {
  const [failure, setFailure] = useState(begun);
  const [busy, setBusy] = useState(false);
  const handle = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => handle.current?.focus(), []);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFailure(undefined);
    try {
      await account.signIn(handleIn(handle.current?.value ?? ''), password.current?.value ?? '');
    } catch (error) {
      setFailure(failureOf(error));
      setBusy(false);
      password.current?.select();
    }
  };

  return (
    <main class="centre">
      <form class="card sign-in" onSubmit={submit}>
        <header class="sign-in-head">
          <Logo size={52} />
          <h1>Hawser</h1>
          <p class="quiet-text">Calls across organisations, on your organisation’s own servers.</p>
        </header>
        {failure && <Message failure={failure} />}
        <label>
          <span>Your name at {location.hostname}</span>
          <input
            ref={handle}
            name="username"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            placeholder="alice"
          />
        </label>
        <label>
          <span>Password</span>
          <input ref={password} name="password" type="password" autocomplete="current-password" required />
        </label>
        <button type="submit" class="primary wide" disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}

/** People type `alice`, `@alice` or their whole address. */
function handleIn(text: string): string {
  return text.trim().toLowerCase().replace(/^@/, '').split('@')[0] ?? '';
}
