/** An application in a process of its own. What it is told goes to a file at once, where it stays when the process is killed. */
import { appendFileSync } from 'node:fs';
import { answerCalls } from '../../helper.ts';
import { App, type AppOptions, type AppView } from './app.ts';
import type { Message } from './checker.ts';

interface InConversation {
  readonly conversation: string;
}

const ended = new AbortController();
let running: App | undefined;

function app(): App {
  if (!running) throw new Error('it was not started');
  return running;
}

const methods = {
  async start({ notes, ...options }: AppOptions & { readonly notes: string }): Promise<void> {
    running = await App.open(options, (note) => appendFileSync(notes, `${JSON.stringify(note)}\n`), ended.signal);
  },
  join: ({ conversation }: InConversation): Promise<void> => app().join(conversation),
  say: (message: Message): Promise<void> => app().say(message),
  renewKeys: ({ conversation }: InConversation): Promise<string | undefined> => app().renewKeys(conversation),
  view: ({ conversation }: InConversation): Promise<AppView> => app().view(conversation),
  isSending: ({ conversation }: InConversation): Promise<boolean> => app().isSending(conversation),
  end: (_: object): Promise<void> => app().close(),
};

export type SeatMethods = typeof methods;

answerCalls(methods, () => ended.abort());
