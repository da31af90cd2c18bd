import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import { DeviceError, type Failure } from '#client/failure.ts';
import type { Registration } from '#client/registration.ts';
import type { NewRegistration, RegistrationRules } from '#signalling/registration.ts';
import { announce } from '../lib/announce.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { listOf } from '../lib/words.ts';
import { Message } from '../parts/message.tsx';
import { NewPassword } from '../parts/new-password.tsx';
import { EntryCard } from './card.tsx';
import { CodeField, MailboxLink } from './fields.tsx';
import { emailIn, handleIn, suggestedHandle } from './names.ts';

interface Props {
  readonly account: Account;
  readonly registration: Registration;
  readonly rules: RegistrationRules;
  readonly onBack: () => void;
}

type Wish = Omit<NewRegistration, 'work'>;

/** What was typed, and the code that is awaited. */
interface Awaited {
  readonly wish: Wish;
  readonly id: string;
}

const WAIT = 'One moment…';

export function Register({ account, registration, rules, onBack }: Props) {
  const [awaited, setAwaited] = useState<Awaited>();
  const [begun, setBegun] = useState<Wish>();
  const attempt = useAttempt();
  const [words, setWords] = useState(WAIT);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(new DOMException('left', 'AbortError')), []);

  const begin = async (wish: Wish) => {
    setBegun(wish);
    setWords(WAIT);
    const { signal } = stop.current;
    const onProgress = (tried: number) => tried > 0 && setWords('Your browser works for the account…');
    const { id } = await registration.begin(wish, { signal, onProgress });
    setAwaited({ wish, id });
    announce(`A code was sent to ${wish.email}`);
  };
  const confirm = async ({ wish, id }: Awaited, code: string, handle: string) => {
    setWords(WAIT);
    await registration.confirm(id, { code, ...(handle !== wish.handle && { handle }) });
    await account.signIn(handle, wish.password);
  };
  const shown = { rules, failure: attempt.failure, busy: attempt.busy ? words : undefined };

  if (awaited) {
    return (
      <Confirm
        {...shown}
        awaited={awaited}
        onConfirm={(code, handle) => void attempt.run(() => confirm(awaited, code, handle))}
        onAgain={() => void attempt.run(() => begin(awaited.wish))}
        onBack={() => {
          attempt.dismiss();
          setAwaited(undefined);
        }}
      />
    );
  }
  return (
    <Form
      {...shown}
      begun={begun}
      onBegin={(wished) => void attempt.run(async () => begin(wished()))}
      onBack={onBack}
    />
  );
}

interface FormProps {
  readonly rules: RegistrationRules;
  /** What was typed before. */
  readonly begun: Wish | undefined;
  readonly failure: Failure | undefined;
  readonly busy: string | undefined;
  /** @param wished throws DeviceError where something was typed wrongly */
  readonly onBegin: (wished: () => Wish) => void;
  readonly onBack: () => void;
}

function Form({ rules, begun, failure, busy, onBegin, onBack }: FormProps) {
  const email = useRef<HTMLInputElement>(null);
  const token = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  const [name, setName] = useState(begun?.name ?? '');
  const [handle, setHandle] = useState(begun?.handle);
  const [isInvited, setInvited] = useState(rules.mode === 'invitation' || begun?.invitation !== undefined);
  useLayoutEffect(() => (isInvited ? token : email).current?.focus(), [isInvited]);
  const shownHandle = handle ?? suggestedHandle(name);

  const wished = (): Wish => {
    const address = emailIn(email.current?.value ?? '');
    const chosen = handleIn(shownHandle);
    if (!address) throw new DeviceError('EMAIL_FORM');
    if (!chosen) throw new DeviceError('HANDLE_FORM');
    return {
      email: address,
      handle: chosen,
      name: name.trim(),
      password: password.current?.value ?? '',
      ...(isInvited && { invitation: token.current?.value.trim() ?? '' }),
    };
  };
  const submit = (event: Event) => {
    event.preventDefault();
    onBegin(wished);
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
            defaultValue={begun?.invitation ?? ''}
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
        {!isInvited && (
          <button type="button" class="quiet small" onClick={() => setInvited(true)}>
            I have an invitation
          </button>
        )}
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
  useLayoutEffect(() => code.current?.focus(), []);
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
