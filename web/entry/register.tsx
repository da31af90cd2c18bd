import { useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import type { Registration } from '#client/registration.ts';
import type { NewRegistration, RegistrationRules } from '#signalling/registration.ts';
import { announce } from '../lib/announce.ts';
import { listOf } from '../lib/words.ts';
import { Message } from '../parts/message.tsx';
import { EntryCard } from './card.tsx';
import { CodeField, MailboxLink, NewPassword } from './fields.tsx';
import { emailIn, handleIn, suggestedHandle } from './names.ts';

interface Props {
  readonly account: Account;
  readonly registration: Registration;
  readonly rules: RegistrationRules;
  /** From the link in an invitation. */
  readonly invitation: string | undefined;
  readonly onBack: () => void;
}

type Wish = Omit<NewRegistration, 'work'>;

/** What was typed, and the code that is awaited. */
interface Awaited {
  readonly wish: Wish;
  readonly id: string;
}

export function Register({ account, registration, rules, invitation, onBack }: Props) {
  const [awaited, setAwaited] = useState<Awaited>();
  const [begun, setBegun] = useState<Wish>();
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState<string>();
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(new DOMException('left', 'AbortError')), []);

  const begin = async (wish: Wish) => {
    setBegun(wish);
    setFailure(undefined);
    setBusy('One moment…');
    try {
      const { signal } = stop.current;
      const onProgress = (tried: number) => tried > 0 && setBusy('Your browser works for the account…');
      const { id } = await registration.begin(wish, { signal, onProgress });
      setAwaited({ wish, id });
      announce(`A code was sent to ${wish.email}`);
    } catch (error) {
      if (!stop.current.signal.aborted) setFailure(failureOf(error));
    } finally {
      setBusy(undefined);
    }
  };
  const confirm = async ({ wish, id }: Awaited, code: string, handle: string) => {
    setFailure(undefined);
    setBusy('One moment…');
    try {
      await registration.confirm(id, { code, ...(handle !== wish.handle && { handle }) });
      await account.signIn(handle, wish.password);
    } catch (error) {
      setFailure(failureOf(error));
      setBusy(undefined);
    }
  };

  if (awaited) {
    return (
      <Confirm
        awaited={awaited}
        rules={rules}
        failure={failure}
        busy={busy}
        onConfirm={(code, handle) => void confirm(awaited, code, handle)}
        onAgain={() => void begin(awaited.wish)}
        onBack={() => {
          setFailure(undefined);
          setAwaited(undefined);
        }}
      />
    );
  }
  return (
    <Form
      rules={rules}
      begun={begun}
      invitation={invitation}
      failure={failure}
      busy={busy}
      onFailure={setFailure}
      onBegin={(wish) => void begin(wish)}
      onBack={onBack}
    />
  );
}

interface FormProps {
  readonly rules: RegistrationRules;
  /** What was typed before. */
  readonly begun: Wish | undefined;
  readonly invitation: string | undefined;
  readonly failure: Failure | undefined;
  readonly busy: string | undefined;
  readonly onFailure: (failure: Failure) => void;
  readonly onBegin: (wish: Wish) => void;
  readonly onBack: () => void;
}

function Form({ rules, begun, invitation, failure, busy, onFailure, onBegin, onBack }: FormProps) {
  const email = useRef<HTMLInputElement>(null);
  const token = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  const [name, setName] = useState(begun?.name ?? '');
  const [handle, setHandle] = useState(begun?.handle);
  const isInvited = rules.mode === 'invitation' || invitation !== undefined;
  useEffect(() => (isInvited && !invitation ? token : email).current?.focus(), []);
  const shownHandle = handle ?? suggestedHandle(name);

  const submit = (event: Event) => {
    event.preventDefault();
    const address = emailIn(email.current?.value ?? '');
    const chosen = handleIn(shownHandle);
    if (!address) return onFailure(told('EMAIL', 'This is no e-mail address. Check how it is written.'));
    if (!chosen) {
      return onFailure(
        told(
          'HANDLE',
          'A short name has letters from a to z, digits, dots, hyphens, and 32 of them at most. Choose one.',
        ),
      );
    }
    onBegin({
      email: address,
      handle: chosen,
      name: name.trim(),
      password: password.current?.value ?? '',
      ...(isInvited && { invitation: token.current?.value.trim() ?? '' }),
    });
  };
  const words =
    rules.mode === 'domains' && !isInvited
      ? `With an e-mail address of ${listOf(rules.emailDomains)}.`
      : isInvited
        ? 'You need an invitation of somebody here.'
        : 'With an e-mail address that you can read now.';
  return (
    <EntryCard title="Make an account" words={words} onSubmit={submit}>
      {failure && <Message failure={failure} />}
      {isInvited && (
        <label>
          <span>Invitation</span>
          <input
            ref={token}
            name="invitation"
            defaultValue={begun?.invitation ?? invitation ?? ''}
            placeholder="ABCD-EFGH-JKMN-PQRS"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
            minLength={16}
            maxLength={40}
            required
          />
        </label>
      )}
      <label>
        <span>E-mail address</span>
        <input
          ref={email}
          name="email"
          type="email"
          autocomplete="email"
          defaultValue={begun?.email ?? ''}
          maxLength={165}
          placeholder={rules.emailDomains[0] ? `you@${rules.emailDomains[0]}` : 'you@mail.example'}
          required
        />
      </label>
      <label>
        <span>What others see as your name</span>
        <input
          name="name"
          autocomplete="name"
          dir="auto"
          value={name}
          maxLength={80}
          placeholder="Alice Smith"
          required
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <HandleField value={shownHandle} onInput={setHandle} />
      <NewPassword field={password} />
      <button type="submit" class="primary wide" disabled={busy !== undefined}>
        {busy ?? 'Send me a code'}
      </button>
      <p class="entry-ways">
        <button type="button" class="quiet small" onClick={onBack}>
          I have an account
        </button>
      </p>
    </EntryCard>
  );
}

function HandleField({ value, onInput }: { value: string; onInput: (value: string) => void }) {
  return (
    <div class="field">
      <label>
        <span>Short name, for signing in and in your address</span>
        <input
          name="username"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          value={value}
          maxLength={32}
          placeholder="alice"
          required
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      </label>
      <p class="hint">
        It stays as it is, and nobody gets it after you: <bdi>@{value === '' ? 'alice' : value}</bdi>
      </p>
    </div>
  );
}

interface ConfirmProps {
  readonly awaited: Awaited;
  readonly rules: RegistrationRules;
  readonly failure: Failure | undefined;
  readonly busy: string | undefined;
  readonly onConfirm: (code: string, handle: string) => void;
  readonly onAgain: () => void;
  readonly onBack: () => void;
}

function Confirm({ awaited: { wish }, rules, failure, busy, onConfirm, onAgain, onBack }: ConfirmProps) {
  const code = useRef<HTMLInputElement>(null);
  const [handle, setHandle] = useState<string>(wish.handle);
  const [isTaken, setTaken] = useState(false);
  useEffect(() => code.current?.focus(), []);
  useEffect(() => {
    if (failure?.code === 'HOME_HANDLE_TAKEN') setTaken(true);
    if (failure?.code === 'HOME_CODE_WRONG') code.current?.select();
  }, [failure]);
  return (
    <EntryCard
      title="Look into your e-mail"
      words={
        <>
          A code is on its way to <bdi>{wish.email}</bdi>. It is good for ten minutes.
        </>
      }
      onSubmit={(event) => {
        event.preventDefault();
        onConfirm(code.current?.value ?? '', handleIn(handle) ?? handle);
      }}
    >
      <MailboxLink rules={rules} />
      {failure && <Message failure={failure} />}
      <CodeField field={code} />
      {isTaken && <HandleField value={handle} onInput={setHandle} />}
      <button type="submit" class="primary wide" disabled={busy !== undefined}>
        {busy ?? 'Make the account'}
      </button>
      <p class="entry-ways">
        <button type="button" class="quiet small" disabled={busy !== undefined} onClick={onAgain}>
          Send a new code
        </button>
        <button type="button" class="quiet small" onClick={onBack}>
          Change what I typed
        </button>
      </p>
    </EntryCard>
  );
}

function told(code: string, sentence: string): Failure {
  return { code, sentence, retry: true };
}
