import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import type { Failure } from '#client/failure.ts';
import type { RegistrationRules } from '#signalling/registration.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { Message } from '../parts/message.tsx';
import { EntryCard } from './card.tsx';
import { loginIn } from './names.ts';

interface Props {
  readonly account: Account;
  /** Absent until they are known. */
  readonly rules: RegistrationRules | undefined;
  readonly failure: Failure | undefined;
  readonly onRegister: () => void;
  readonly onReset: () => void;
}

export function SignIn({ account, rules, failure: begun, onRegister, onReset }: Props) {
  const { busy, failure, run } = useAttempt(begun);
  const login = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => login.current?.focus(), []);

  const submit = async (event: Event) => {
    event.preventDefault();
    const isIn = await run(() => account.signIn(loginIn(login.current?.value ?? ''), password.current?.value ?? ''));
    if (!isIn) password.current?.select();
  };

  const mayRegister = rules !== undefined && rules.mode !== 'closed';
  return (
    <EntryCard title="Hawser" words="Calls across organisations, on your organisation’s own servers." onSubmit={submit}>
      {failure && <Message failure={failure} />}
      <label>
        <span>Your name or e-mail address at {location.hostname}</span>
        <input
          ref={login}
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
      {(mayRegister || rules?.passwordReset) && (
        <p class="entry-ways">
          {mayRegister && (
            <button type="button" class="quiet small" onClick={onRegister}>
              Make an account
            </button>
          )}
          {rules?.passwordReset && (
            <button type="button" class="quiet small" onClick={onReset}>
              Forgotten your password?
            </button>
          )}
        </p>
      )}
    </EntryCard>
  );
}
