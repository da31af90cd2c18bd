import { render } from 'preact';
import { App } from './app.tsx';
import { installHooks } from './lib/hooks.ts';
import { PageSession } from './lib/session.ts';

const session = new PageSession();
installHooks(session);
void session.begin();

const root = document.getElementById('app');
if (root) render(<App session={session} />, root);
