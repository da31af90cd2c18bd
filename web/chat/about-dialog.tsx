import { useLayoutEffect, useState } from 'preact/hooks';
import type { Settings } from '#client/content/content.ts';
import type { SeenDevice } from '#client/device/verification.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import { may } from '#signalling/capabilities.ts';
import type { Conversation } from '#signalling/client-home.ts';
import { announce } from '../lib/announce.ts';
import type { Chat } from '../lib/chat.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';
import { Leave, PeopleSection } from './people-section.tsx';

interface Props {
  readonly chat: Chat;
  readonly conversation: Conversation;
  readonly settings: Pick<Settings, 'archived' | 'muted'>;
  readonly devices: readonly SeenDevice[];
  readonly onClose: () => void;
}

const MUTED = [
  ['nothing', 'Count everything'],
  ['all-but-mentions', 'Count only messages that mention me'],
  ['all', 'Count nothing'],
] as const;

/** Who is in the conversation, and how this person wants to hear of it. */
export function AboutDialog({ chat, conversation, settings, devices, onClose }: Props) {
  const [failure, setFailure] = useState<Failure>();
  /** Chosen, and not taken yet: shown at once, the newest last. */
  const [wishes, setWishes] = useState<readonly Settings[]>([]);
  const set = (change: Settings) => {
    setFailure(undefined);
    setWishes((before) => [...before, change]);
    chat.messenger
      .set(conversation.conversation, change)
      .catch((error: unknown) => setFailure(failureOf(error)))
      .finally(() => setWishes((now) => now.filter((wish) => wish !== change)));
  };
  const own = conversation.members.find(({ user }) => user === chat.me.user)?.role;
  const { muted = 'nothing', archived = false } = Object.assign({ ...settings }, ...wishes) as Settings;
  return (
    <Dialog title="About this conversation" onClose={onClose}>
      <div class="stack">
        {failure && <Message failure={failure} onDismiss={() => setFailure(undefined)} />}
        {may(own, 'changeRoomName') && <TitleForm chat={chat} conversation={conversation} />}
        <PeopleSection chat={chat} conversation={conversation} devices={devices} />
        <fieldset class="choices">
          <legend>New messages here</legend>
          {MUTED.map(([value, words]) => (
            <label key={value} class="choice">
              <input type="radio" name="muted" checked={muted === value} onChange={() => set({ muted: value })} />
              <span>{words}</span>
            </label>
          ))}
        </fieldset>
        <label class="choice">
          <input
            type="checkbox"
            checked={archived}
            onChange={(event) => set({ archived: event.currentTarget.checked })}
          />
          <span>Archive: show this conversation below the others</span>
        </label>
        <p class="quiet-text">These choices are the same on all your devices. Nobody else learns of them.</p>
        {may(own, 'removeSelf') && <Leave chat={chat} conversation={conversation} onLeft={onClose} />}
      </div>
    </Dialog>
  );
}

/** The name of the conversation, for whoever may give it another one. */
function TitleForm({ chat, conversation }: Pick<Props, 'chat' | 'conversation'>) {
  const [title, setTitle] = useState(conversation.title);
  const { busy, failure, submit, dismiss } = useAttempt();
  useLayoutEffect(() => setTitle(conversation.title), [conversation.title]);
  const rename = async () => {
    const changed = await chat.messenger.changeTitle(conversation.conversation, title);
    setTitle(changed.title);
    announce('Renamed');
  };
  return (
    <form class="add-member" onSubmit={submit(rename)}>
      {failure && <Message failure={failure} onDismiss={dismiss} />}
      <label>
        <span>Name</span>
        <span class="with-button">
          <input value={title} maxlength={120} required onInput={(event) => setTitle(event.currentTarget.value)} />
          <button type="submit" disabled={busy || title === conversation.title}>
            {busy ? 'Renaming…' : 'Rename'}
          </button>
        </span>
      </label>
    </form>
  );
}
