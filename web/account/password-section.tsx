import { useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import type { OwnDevices } from '#client/device/own-devices.ts';
import { type DeviceId, handleOf, userOfDevice } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import { plain } from '../lib/plain.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { useStore } from '../lib/use-store.ts';
import { listOf } from '../lib/words.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';
import { NewPassword } from '../parts/new-password.tsx';
import { PasswordField, proved } from './password-field.tsx';

interface Props {
  readonly account: Account;
  readonly devices: OwnDevices;
  /** This one, which stays. */
  readonly self: DeviceId;
}

export function PasswordSection(props: Props) {
  const [isOpen, setOpen] = useState(false);
  const [isDone, setDone] = useState(false);
  const begin = () => {
    setDone(false);
    setOpen(true);
  };
  const end = () => {
    setOpen(false);
    setDone(true);
    announce('Your password is changed');
  };
  return (
    <>
      <p class="quiet-text">
        {isDone
          ? 'It is changed. This device goes on; your other devices were removed.'
          : 'Change it where somebody else may know it. Your other devices are removed then.'}
      </p>
      <button type="button" onClick={begin}>
        Change the password…
      </button>
      {isOpen && <PasswordDialog {...props} onClose={() => setOpen(false)} onDone={end} />}
    </>
  );
}

interface DialogProps extends Props {
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function PasswordDialog({ account, devices, self, onClose, onDone }: DialogProps) {
  const current = useRef<HTMLInputElement>(null);
  const next = useRef<HTMLInputElement>(null);
  const { busy, failure, submit } = useAttempt();
  const state = useStore(devices.store);
  useEffect(() => {
    // Without the list the sentence says the same without names.
    devices.refresh().catch(() => undefined);
  }, [devices]);
  const change = async () => {
    await proved(current, (password) => account.changePassword(password, next.current?.value ?? ''));
    devices.refresh().catch(() => undefined);
    onDone();
  };
  const others = state.devices?.filter(({ device }) => device !== self).map(({ name }) => plain(name));
  return (
    <Dialog title="Change the password" onClose={onClose}>
      <form class="stack" onSubmit={submit(change)}>
        <p>{consequence(others)}</p>
        {failure && <Message failure={failure} />}
        <PasswordField field={current} label="Current password" handle={handleOf(userOfDevice(self))} />
        <NewPassword field={next} label="New password" />
        <footer class="dialog-foot">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            {busy ? 'One moment…' : 'Change it'}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

/** @param others names of the devices that it removes; undefined where they are not known */
function consequence(others: readonly string[] | undefined): string {
  if (others?.length === 0) return 'This is your only device; it goes on as it is.';
  const which = others ? ` (${listOf(others, others.length)})` : '';
  return `Every other device of yours${which} is signed out and removed at once, and has to be set up anew: sign in on it with the new password. It then reads what is said from that time on. This device goes on as it is.`;
}
