import { useId, useState } from 'preact/hooks';
import type { EmailAddress } from '#signalling/person.ts';
import type { MadeInvitation } from '#signalling/registration.ts';
import { announce } from '../lib/announce.ts';
import { fullWhen } from '../lib/when.ts';
import { Icon } from '../parts/icon.tsx';

interface Props {
  readonly made: MadeInvitation;
  /** Where it was sent. */
  readonly email: EmailAddress | undefined;
}

/** The only time at which an invitation is seen; it is never part of an address, which is kept in histories and logs. */
export function MadeCard({ made: { invitation, expiresAt }, email }: Props) {
  const [words, setWords] = useState('Copy');
  const about = useId();
  const copy = () =>
    navigator.clipboard.writeText(invitation).then(
      () => {
        setWords('Copied');
        announce('Copied');
      },
      () => announce('Copying is not allowed here. Select it and copy it by hand.'),
    );
  return (
    <div class="made-invitation">
      <p class="with-button">
        <output class="invitation-code" aria-label="Invitation" aria-describedby={about} dir="ltr">
          {invitation}
        </output>
        <button type="button" class="small" onClick={() => void copy()}>
          <Icon name="copy" size={16} />
          {words}
          <span class="sr-only"> the invitation</span>
        </button>
      </p>
      <p id={about} class="quiet-text">
        {email ? (
          <>
            It is on its way to <bdi>{email}</bdi>, too.
          </>
        ) : (
          'Give it to one person.'
        )}{' '}
        It is shown this once, is good for one account until {fullWhen(expiresAt, Date.now())}, and is typed at{' '}
        {location.host} under <em>Make an account</em>.
      </p>
    </div>
  );
}
