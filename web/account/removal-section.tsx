import { useRef, useState } from 'preact/hooks';
import { addressOf, handleOf, type UserId } from '#signalling/ids.ts';
import type { PageSession } from '../lib/session.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';
import { PasswordField, proved } from './password-field.tsx';

interface Props {
  readonly session: PageSession;
  readonly user: UserId;
}

export function RemovalSection({ session, user }: Props) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <p class="quiet-text">For good, with all your devices. Nobody can bring it back.</p>
      <button type="button" class="danger-outline" onClick={() => setOpen(true)}>
        Delete your account…
      </button>
      {isOpen && <RemovalDialog session={session} user={user} onClose={() => setOpen(false)} />}
    </>
  );
}

function RemovalDialog({ session, user, onClose }: Props & { readonly onClose: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const { busy, failure, submit } = useAttempt();
  return (
    <Dialog title="Delete your account?" onClose={onClose}>
      <form class="stack" onSubmit={submit(() => proved(field, (password) => session.removeAccount(password)))}>
        <p>
          <bdi>{addressOf(user)}</bdi> is gone at once. Nobody can bring it back, not even an administrator, and nobody,
          you neither, ever gets this address again.
        </p>
        <ul class="what-to-do">
          <li>
            You are taken out of all conversations and signed out everywhere, and your devices and open invitations are
            removed. What this browser has stored of your messages is deleted.
          </li>
          <li>What you wrote and sent before stays with those who have it. Their conversations go on without you.</li>
        </ul>
        {failure && <Message failure={failure} />}
        <PasswordField field={field} label="Your password" handle={handleOf(user)} />
        <footer class="dialog-foot">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="danger" disabled={busy}>
            {busy ? 'Deleting…' : 'Delete it for good'}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
