import type { ComponentChildren } from 'preact';
import { addressOf } from '#signalling/ids.ts';
import type { Chat } from '../lib/chat.ts';
import type { PageSession } from '../lib/session.ts';
import { PageHead } from '../parts/page-head.tsx';
import { InviteSection } from './invite-section.tsx';
import { NameForm } from './name-form.tsx';
import { PasswordSection } from './password-section.tsx';
import { RemovalSection } from './removal-section.tsx';

interface Props {
  readonly session: PageSession;
  readonly chat: Chat;
  readonly onBack: () => void;
}

/** What a person can do about their own account. */
export function AccountPage({ session, chat, onBack }: Props) {
  const { account } = session;
  return (
    <section class="devices-page" aria-label="Your account">
      <PageHead title="Your account" onBack={onBack}>
        {addressOf(chat.me.user)}
      </PageHead>
      <Part title="Your name">
        <NameForm account={account} />
      </Part>
      <Part title="Your password">
        <PasswordSection account={account} devices={chat.messenger.devices} self={chat.messenger.device.id} />
      </Part>
      <InviteSection account={account} />
      <Part title="Sign out here">
        <p class="quiet-text">What this device has received stays on it, and is there when you sign in again.</p>
        <button type="button" onClick={() => void session.signOut()}>
          Sign out
        </button>
      </Part>
      <Part title="Delete your account">
        <RemovalSection session={session} user={chat.me.user} />
      </Part>
    </section>
  );
}

export function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="account-part" aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}
