import { useEffect } from 'preact/hooks';
import type { BrowserCall } from '#client/call.ts';
import { answersTo } from '#client/calls/answers.ts';
import type { CallSignal } from '#client/content/call-signal.ts';
import type { Home } from '#client/home.ts';
import type { Member } from '#signalling/client-home.ts';
import type { ConferenceId } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import { plain } from '../lib/plain.ts';
import { useStore } from '../lib/use-store.ts';
import { Message } from '../parts/message.tsx';

const WORDS: Readonly<Record<CallSignal, string>> = {
  ringing: 'it rings',
  accepted: 'is coming',
  moved: 'is coming',
  declined: 'has declined',
  busy: 'is in another call',
};

interface WaitingProps {
  readonly call: BrowserCall;
  readonly conference: ConferenceId;
  /** Of the conversation. */
  readonly members: readonly Member[];
}

/** Whoever is alone in a call sees what the others say to it. */
export function Waiting({ call, conference, members }: WaitingProps) {
  const answers = answersTo(useStore(call.calls.answers), conference);
  const lines = members.flatMap(({ user, name }) => {
    const signal = answers.get(user);
    return signal ? [`${plain(name)}: ${WORDS[signal]}`] : [];
  });
  const sentence = lines.join('. ');
  useEffect(() => {
    if (sentence !== '') announce(sentence);
  }, [sentence]);
  return (
    <ul class="call-answers">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

/** Who calls meanwhile is told that this person is in another call, and this person who it was. */
export function Meanwhile({ call, home }: { call: BrowserCall; home: Home }) {
  const { ringing, conversations } = useStore(home.store);
  const others = ringing.filter((conversation) => conversation !== call.conversation);
  const key = others.join(' ');
  useEffect(() => {
    for (const conversation of others) call.sayBusy(conversation);
    // Whenever another one rings.
  }, [key]);
  const { busyFor } = call;
  return (
    <>
      {[...useStore(busyFor)].map((id) => {
        const title = conversations.find(({ conversation }) => conversation === id)?.title ?? 'A conversation';
        return (
          <Message
            key={id}
            failure={{ sentence: `Somebody called in ${plain(title)} meanwhile, and was told that you are in a call.` }}
            onDismiss={() => busyFor.set(busyFor.state.difference(new Set([id])))}
          />
        );
      })}
    </>
  );
}
