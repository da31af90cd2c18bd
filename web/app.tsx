import { CallScreen } from './call/call-screen.tsx';
import { NoDeviceScreen, SettingUp } from './device/no-device-screen.tsx';
import { EntryScreen } from './entry/entry-screen.tsx';
import { GuestPage } from './guest/guest-page.tsx';
import type { GuestSession } from './guest/guest-session.ts';
import { announcement } from './lib/announce.ts';
import type { PageSession } from './lib/session.ts';
import { useStore } from './lib/use-store.ts';
import { HomeScreen } from './parts/home-screen.tsx';
import { Logo } from './parts/logo.tsx';

export function App({ session }: { session: PageSession }) {
  return (
    <>
      <Current session={session} />
      <LiveRegion />
    </>
  );
}

/** What somebody sees who came by a link to a call. */
export function GuestApp({ session }: { session: GuestSession }) {
  return (
    <>
      <GuestPage session={session} />
      <LiveRegion />
    </>
  );
}

function Current({ session }: { session: PageSession }) {
  const state = useStore(session.store);
  switch (state.screen) {
    case 'loading':
      return (
        <main class="centre" aria-busy="true">
          <Logo size={56} />
          <span class="sr-only">Loading</span>
        </main>
      );
    case 'signIn':
      return <EntryScreen account={session.account} failure={state.failure} />;
    case 'settingUp':
      return <SettingUp />;
    case 'noDevice':
      return <NoDeviceScreen session={session} failure={state.failure} />;
    case 'home':
      return <HomeScreen session={session} chat={state.chat} />;
    case 'call':
      return <CallScreen session={session} home={state.chat.home} call={state.call} />;
  }
}

function LiveRegion() {
  const sentence = useStore(announcement);
  return (
    <div class="sr-only" role="status" aria-live="polite">
      {sentence}
    </div>
  );
}
