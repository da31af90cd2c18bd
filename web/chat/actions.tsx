import { useRef, useState } from 'preact/hooks';
import { wordsOf } from '#client/content/summary.ts';
import type { MessageItem } from '#client/messages/view.ts';
import { announce } from '../lib/announce.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import { Popup } from '../parts/popup.tsx';
import { useTabStop, useTalk } from './context.ts';
import { ReactButton, WhoDialog } from './reactions.tsx';

/** What can be done with a message. */
export function Actions({ item }: { item: MessageItem }) {
  const talk = useTalk();
  const tabIndex = useTabStop();
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState<'menu' | 'who'>();
  const isOwn = item.sender === talk.people.self;
  const words = item.body ? wordsOf(item.body) : '';
  const copy = async () => {
    await navigator.clipboard.writeText(words);
    announce('Copied');
  };
  const entries: readonly (readonly [IconName, string, () => void, boolean])[] = [
    ['copy', 'Copy text', () => void copy().catch(() => announce('Copying is not allowed here')), words !== ''],
    ['edit', 'Edit', () => talk.edit(item), isOwn && item.body?.kind === 'text'],
    ['smile', 'Who reacted', () => setOpen('who'), item.reactions.length > 0],
    ['trash', 'Delete for everyone…', () => talk.remove(item), isOwn],
  ];
  return (
    <div class="actions">
      <ReactButton item={item} />
      <button
        type="button"
        class="quiet icon-only"
        tabIndex={tabIndex}
        aria-label="Reply"
        title="Reply"
        onClick={() => talk.reply(item)}
      >
        <Icon name="reply" size={20} />
      </button>
      <button
        ref={button}
        type="button"
        class="quiet icon-only"
        tabIndex={tabIndex}
        aria-label="More"
        aria-haspopup="menu"
        aria-expanded={open === 'menu'}
        title="More"
        onClick={() => setOpen(open ? undefined : 'menu')}
      >
        <Icon name="more" size={20} />
      </button>
      {open === 'menu' && button.current && (
        <Popup anchor={button.current} label="Message" role="menu" class="menu" onClose={() => setOpen(undefined)}>
          {entries
            .filter(([, , , isThere]) => isThere)
            .map(([icon, label, act]) => (
              <button
                key={label}
                type="button"
                role="menuitem"
                class="quiet"
                onClick={() => {
                  setOpen(undefined);
                  act();
                }}
              >
                <Icon name={icon} size={18} />
                {label}
              </button>
            ))}
        </Popup>
      )}
      {open === 'who' && <WhoDialog item={item} onClose={() => setOpen(undefined)} />}
    </div>
  );
}
