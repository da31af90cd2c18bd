import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import { DeviceError } from '#client/failure.ts';
import type { Registration } from '#client/registration.ts';
import type { EmailAddress } from '#signalling/person.ts';
import type { RegistrationRules } from '#signalling/registration.ts';
import { announce } from '../lib/announce.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { Message } from '../parts/message.tsx';
import { NewPassword } from '../parts/new-password.tsx';
import { EntryCard } from './card.tsx';
import { CodeField, MailboxLink } from './fields.tsx';
import { emailIn } from './names.ts';

interface Props {
  readonly account: Account;
  readonly registration: Registration;
  readonly rules: RegistrationRules;
  readonly onBack: () => void;
}

/** A new password for somebody who has forgotten the old one: proved by a code to the e-mail address. */
export function Reset({ account, registration, rules, onBack }: Props) {
  const [awaited, setAwaited] = useState<{ readonly email: EmailAddress; readonly id: string }>();
  const { busy, failure, run, submit } = useAttempt();
  const email = useRef<HTMLInputElement>(null);
  const code = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => (awaited ? code : email).current?.focus(), [awaited?.id]);

  const ask = async (address = emailIn(email.current?.value ?? '')) => {
    if (!address) throw new DeviceError('EMAIL_FORM');
    const { id } = await registration.beginReset({ email: address });
    setAwaited({ email: address, id });
    announce(`If there is an account, a code was sent to ${address}`);
  };
  if (!awaited) {
    return (
      <EntryCard title="A new password" words="A code by e-mail lets you set one." onSubmit={submit(() => ask())}>
        {failure && <Message failure={failure} />}
        <label>
          <span>E-mail address of your account</span>
          <input ref={email} name="email" type="email" autocomplete="email" maxLength={165} required />
        </label>
        <p class="hint">
          An account that was made without an e-mail address gets a new password from your administrator only.
        </p>
        <button type="submit" class="primary wide" disabled={busy}>
          {busy ? 'One moment…' : 'Send me a code'}
        </button>
        <p class="entry-ways">
          <button type="button" class="quiet small" onClick={onBack}>
            Back to signing in
          </button>
        </p>
      </EntryCard>
    );
  }
  const confirm = async () => {
    const next = password.current?.value ?? '';
    await registration.confirmReset(awaited.id, { code: code.current?.value ?? '', password: next });
    await account.signIn(awaited.email, next);
  };
  return (
    <EntryCard
      title="A new password"
      words={
        <>
          If there is an account with <bdi>{awaited.email}</bdi>, a code is on its way there. It is good for ten
          minutes.
        </>
      }
      onSubmit={submit(confirm)}
    >
      <MailboxLink rules={rules} />
      {failure && <Message failure={failure} />}
      <CodeField field={code} />
      <NewPassword field={password} />
      <p class="hint">You are signed out everywhere else, and your other devices are removed: sign in on them again.</p>
      <button type="submit" class="primary wide" disabled={busy}>
        {busy ? 'One moment…' : 'Set the password'}
      </button>
      <p class="entry-ways">
        <button type="button" class="quiet small" disabled={busy} onClick={() => void run(() => ask(awaited.email))}>
          Send a new code
        </button>
        <button type="button" class="quiet small" onClick={onBack}>
          Back to signing in
        </button>
      </p>
    </EntryCard>
  );
}
