import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import { type Device, Devices } from '#signalling/devices.ts';
import type { PageSession } from '../lib/session.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { Logo } from '../parts/logo.tsx';
import { Message } from '../parts/message.tsx';
import { DeviceCard } from './device-card.tsx';

/** While the keys of this browser are made, or found. */
export function SettingUp() {
  return (
    <main class="centre" aria-busy="true">
      <div class="card device-screen">
        <Logo size={52} />
        <h1>Setting up this device</h1>
        <p class="quiet-text" role="status">
          Its keys are made and stay on it. This takes a moment.
        </p>
      </div>
    </main>
  );
}

/** This browser could not be made a device: says why, and what to do. */
export function NoDeviceScreen({ session, failure }: { session: PageSession; failure: Failure }) {
  const signOut = () => void session.signOut();
  const again = () => void session.setUpAgain();
  const anew = (password?: string) => session.setUpAnew(password);
  switch (failure.code) {
    case 'VAULT_IN_USE':
      return (
        <Screen title="Hawser is open in another tab" onSignOut={signOut}>
          <p>
            Messages and keys of this device can be used in one tab at a time. Go on in the other tab, or here; a call
            that is on there ends, and files that are being sent there stop.
          </p>
          <button type="button" class="primary wide" onClick={() => void session.useHere()}>
            Use here
          </button>
          <p class="hint">
            If nothing happens, the browser has put the other tab to sleep: close that tab, then press the button once
            more.
          </p>
        </Screen>
      );
    case 'VAULT_UNAVAILABLE':
      return (
        <Screen title="This browser keeps nothing for Hawser" onSignOut={signOut}>
          <p>
            Messages are encrypted for this device, so its keys have to be kept on it, and the browser refuses that.
            Nothing is lost: there is nothing here yet.
          </p>
          <ul class="what-to-do">
            <li>Use an ordinary window in the place of a private one.</li>
            <li>Allow {location.host} to store data, in the settings of the browser or beside the address.</li>
            <li>Use a current version of Chrome, Edge, Firefox or Safari, on a secure (https) address.</li>
          </ul>
          <button type="button" class="primary wide" onClick={again}>
            Try again
          </button>
        </Screen>
      );
    case 'VAULT_FULL':
      return (
        <Screen title="There is no room on this device" onSignOut={signOut}>
          <p>
            Nothing more can be stored, and nothing that was stored is lost. Delete files that you do not need, or data
            of other pages in the settings of the browser.
          </p>
          <button type="button" class="primary wide" onClick={again}>
            Try again
          </button>
        </Screen>
      );
    case 'VAULT_NEWER':
      return (
        <Screen title="This page is older than what is stored here" onSignOut={signOut}>
          <p>A newer version of Hawser was used here before. Nothing is lost; load the newest version.</p>
          <button type="button" class="primary wide" onClick={() => location.reload()}>
            Reload the page
          </button>
        </Screen>
      );
    case 'HOME_TOO_MANY_DEVICES':
      return <TooMany account={session.account} onRemoved={again} onSignOut={signOut} />;
    case 'HOME_DEVICE_GONE':
      return (
        <Screen title="This device was removed" onSignOut={signOut}>
          <p>
            Somebody removed it from your account, from another device or after a change of your password. If you did
            not do that, change your password. To go on here, set it up as a new device: what is stored here is deleted,
            and it will read what is said from then on.
          </p>
          <Anew setUp={anew} asksPassword={false} />
        </Screen>
      );
    case 'VAULT_DAMAGED':
      return (
        <Screen title="What is stored here cannot be read" onSignOut={signOut}>
          <p>The browser or its disk has damaged it.</p>
          <Lost />
          <Anew setUp={anew} asksPassword />
        </Screen>
      );
    case 'VAULT_GONE':
    case 'HOME_HAS_DEVICE':
      return (
        <Screen title="The keys of this device are gone" onSignOut={signOut}>
          <p>The browser has deleted what was stored for this page, so that it cannot read your messages any more.</p>
          <Lost />
          <Anew setUp={anew} asksPassword />
        </Screen>
      );
    default:
      return (
        <Screen title="This device could not be set up" onSignOut={signOut}>
          <Message failure={failure} />
          <button type="button" class="primary wide" onClick={again}>
            Try again
          </button>
        </Screen>
      );
  }
}

function Lost() {
  return (
    <p>
      Set this device up anew: it takes the place of the old one, and your conversations come back with what is said
      from then on. Messages that only this device had, and those that it had not sent yet, are lost. Your other devices
      keep what they have.
    </p>
  );
}

/** The password proves that it is the person who makes a new device of his. */
function Anew({ setUp, asksPassword }: { setUp: (password?: string) => Promise<void>; asksPassword: boolean }) {
  const password = useRef<HTMLInputElement>(null);
  const { busy, failure, submit } = useAttempt();
  return (
    <form onSubmit={submit(() => setUp(password.current?.value))}>
      {failure && <Message failure={failure} />}
      {asksPassword && (
        <label>
          <span>Your password</span>
          <input ref={password} name="password" type="password" autocomplete="current-password" required />
        </label>
      )}
      <button type="submit" class="primary wide" disabled={busy}>
        {busy ? 'Setting it up…' : 'Delete what is stored here and set it up'}
      </button>
    </form>
  );
}

function Screen(props: { title: string; children: ComponentChildren; onSignOut?: () => void }) {
  return (
    <main class="centre">
      <div class="card device-screen">
        <Logo size={52} />
        <h1>{props.title}</h1>
        {props.children}
        {props.onSignOut && (
          <button type="button" class="quiet wide" onClick={props.onSignOut}>
            Sign out
          </button>
        )}
      </div>
    </main>
  );
}

/** There is no room for one more: one of the others has to go. */
function TooMany({
  account,
  onRemoved,
  onSignOut,
}: {
  account: Account;
  onRemoved: () => void;
  onSignOut: () => void;
}) {
  const [devices, setDevices] = useState<readonly Device[]>([]);
  const [failure, setFailure] = useState<Failure>();
  useEffect(() => {
    account
      .call({ method: 'GET', path: 'devices', answer: Devices })
      .then((answer) => setDevices(answer.devices))
      .catch((error: unknown) => setFailure(failureOf(error)));
  }, [account]);
  const remove = async ({ device }: Device) => {
    await account.call({ method: 'DELETE', path: `devices/${encodeURIComponent(device)}` });
    onRemoved();
  };
  return (
    <Screen title="You have too many devices" onSignOut={onSignOut}>
      <p>One person can have eight. Remove one that you do not use any more; then this one is set up.</p>
      {failure && <Message failure={failure} />}
      <ul class="device-list">
        {[...devices]
          .sort((a, b) => a.lastUsedAt - b.lastUsedAt)
          .map((device) => (
            <DeviceCard key={device.device} device={device} isThis={false} isNew={false} onRemove={remove} />
          ))}
      </ul>
    </Screen>
  );
}
