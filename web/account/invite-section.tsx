import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import { DeviceError } from '#client/failure.ts';
import { Registration } from '#client/registration.ts';
import { type EmailAddress, parseEmail } from '#signalling/person.ts';
import type { Invitations, MadeInvitation } from '#signalling/registration.ts';
import { announce } from '../lib/announce.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { shortWhen } from '../lib/when.ts';
import { Message } from '../parts/message.tsx';
import { Part } from './account-page.tsx';
import { MadeCard } from './made-invitation.tsx';

type Open = Invitations['invitations'];

/** Only where accounts are made by people themselves; elsewhere nobody could use an invitation. */
export function InviteSection({ account }: { account: Account }) {
  const [isAllowed, setAllowed] = useState(false);
  useEffect(() => {
    // What cannot be asked now is not offered now.
    new Registration(account.origin).rules().then(
      ({ mode }) => setAllowed(mode !== 'closed'),
      () => undefined,
    );
  }, [account]);
  return isAllowed ? <Invite account={account} /> : null;
}

function Invite({ account }: { account: Account }) {
  const [open, setOpen] = useState<Open>([]);
  const [made, setMade] = useState<{ readonly made: MadeInvitation; readonly email: EmailAddress | undefined }>();
  const [email, setEmail] = useState('');
  const { busy, failure, run, submit, dismiss } = useAttempt();
  const heading = useRef<HTMLParagraphElement>(null);
  const refresh = useCallback(async () => setOpen(await account.invitations()), [account]);
  useEffect(() => void run(refresh), [refresh]);
  const invite = async () => {
    const typed = email.trim();
    const address = typed === '' ? undefined : parseEmail(typed);
    if (typed !== '' && !address) throw new DeviceError('EMAIL_FORM');
    setMade({ made: await account.invite(address), email: address });
    setEmail('');
    announce('An invitation is made');
    await refresh();
  };
  const takeBack = (id: string) =>
    run(async () => {
      await account.takeBackInvitation(id).catch(async (error: unknown) => {
        // Used, or over: the list shows what is left.
        await refresh();
        throw error;
      });
      if (made?.made.id === id) setMade(undefined);
      announce('The invitation is taken back');
      heading.current?.focus();
      await refresh();
    });
  return (
    <Part title="Invite people">
      <p ref={heading} class="quiet-text" tabIndex={-1}>
        With an invitation of yours one person can make an account here. Ten can be open at a time.
      </p>
      {failure && <Message failure={failure} onDismiss={dismiss} />}
      <form class="add-member" onSubmit={submit(invite)}>
        <label>
          <span>Send it to this e-mail address, if you like</span>
          <span class="with-button">
            <input
              name="invite-email"
              type="email"
              autocomplete="off"
              value={email}
              maxLength={165}
              placeholder="erin@mail.example"
              onInput={(event) => setEmail(event.currentTarget.value)}
            />
            <button type="submit" disabled={busy}>
              {busy ? 'One moment…' : 'Invite'}
            </button>
          </span>
        </label>
      </form>
      {made && <MadeCard key={made.made.id} made={made.made} email={made.email} />}
      {open.length > 0 && (
        <ul class="open-invitations" aria-label="Open invitations">
          {open.map(({ id, email: to, createdAt, expiresAt }) => {
            const now = Date.now();
            const whose = to ?? `Made ${shortWhen(createdAt, now)}`;
            return (
              <li key={id}>
                <span class="person-words">
                  <strong>
                    <bdi>{whose}</bdi>
                  </strong>
                  <span class="quiet-text">Good until {shortWhen(expiresAt, now)}</span>
                </span>
                <button type="button" class="small" disabled={busy} onClick={() => void takeBack(id)}>
                  Take back
                  <span class="sr-only"> the invitation: {whose}</span>
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </Part>
  );
}
