import { render } from 'preact';
import { GUEST_PATH } from '#client/calls/guests.ts';
import { App, GuestApp } from './app.tsx';
import { GuestSession } from './guest/guest-session.ts';
import { installHooks } from './lib/hooks.ts';
import { PageSession } from './lib/session.ts';

const root = document.getElementById('app');
if (location.pathname === GUEST_PATH) {
  const session = new GuestSession();
  installHooks(session);
  void session.begin();
  if (root) render(<GuestApp session={session} />, root);
} else {
  const session = new PageSession();
  installHooks(session);
  void session.begin();
  if (root) render(<App session={session} />, root);
}
