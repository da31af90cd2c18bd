import { useRef, useState } from 'preact/hooks';
import type { MessageItem } from '#client/messages/view.ts';
import { listOf } from '../lib/words.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { Popup } from '../parts/popup.tsx';
import { useTabStop, useTalk } from './context.ts';
import { EMOJIS, emojiName } from './emojis.ts';
import { calledOf } from './people.ts';

/** The reactions to a message: each is a button that adds the own one or takes it back. */
export function Reactions({ item }: { item: MessageItem }) {
  const { people, react } = useTalk();
  const tabIndex = useTabStop();
  if (item.reactions.length === 0) return null;
  return (
    <ul class="reactions" aria-label="Reactions">
      {item.reactions.map(({ emoji, users, mine }) => {
        const names = listOf(users.map((user) => calledOf(people, user)));
        return (
          <li key={emoji}>
            <button
              type="button"
              class="reaction"
              tabIndex={tabIndex}
              aria-pressed={mine.length > 0}
              aria-label={`${emojiName(emoji)}, ${users.length}: ${names}. ${mine.length > 0 ? 'Take yours back' : 'Add yours'}`}
              title={names}
              onClick={() => react(item, emoji)}
            >
              <span class="emoji">{emoji}</span>
              <span>{users.length}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

export function ReactButton({ item }: { item: MessageItem }) {
  const { react } = useTalk();
  const tabIndex = useTabStop();
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        ref={button}
        type="button"
        class="quiet icon-only"
        tabIndex={tabIndex}
        aria-label="React"
        aria-expanded={open}
        title="React"
        onClick={() => setOpen(!open)}
      >
        <Icon name="smile" size={20} />
      </button>
      {open && button.current && (
        <Popup anchor={button.current} label="Reactions" class="emoji-grid" onClose={() => setOpen(false)}>
          {EMOJIS.map(([emoji, name]) => (
            <button
              key={emoji}
              type="button"
              class="quiet icon-only emoji"
              aria-label={name}
              title={name}
              onClick={() => {
                setOpen(false);
                react(item, emoji);
              }}
            >
              {emoji}
            </button>
          ))}
        </Popup>
      )}
    </>
  );
}

/** Who reacted how, by name. */
export function WhoDialog({ item, onClose }: { item: MessageItem; onClose: () => void }) {
  const { people } = useTalk();
  return (
    <Dialog title="Reactions" onClose={onClose}>
      <ul class="who">
        {item.reactions.map(({ emoji, users }) => (
          <li key={emoji}>
            <span class="emoji">{emoji}</span>
            <span class="sr-only">{emojiName(emoji)}: </span>
            <span>{users.map((user) => calledOf(people, user)).join(', ')}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
