/** Single keys that work anywhere in a call, except where somebody types. */
import { useEffect, useRef } from 'preact/hooks';

export const SHORTCUTS = [
  { key: 'M', words: 'Microphone on or off' },
  { key: 'V', words: 'Camera on or off' },
  { key: 'S', words: 'Share the screen or stop' },
  { key: 'H', words: 'Raise the hand or lower it' },
  { key: 'R', words: 'React with a sign' },
  { key: 'L', words: 'Grid, or one large picture' },
  { key: 'I', words: 'Quality of what arrives' },
  { key: 'D', words: 'Choose devices' },
  { key: 'O', words: 'Moderate the call' },
  { key: '?', words: 'This list' },
] as const;

export type Shortcut = (typeof SHORTCUTS)[number]['key'];

export function useShortcuts(actions: Readonly<Record<Shortcut, () => void>>): void {
  const current = useRef(actions);
  current.current = actions;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const shortcut = SHORTCUTS.find(({ key }) => key === event.key.toUpperCase())?.key;
      if (!shortcut || event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) return;
      event.preventDefault();
      current.current[shortcut]();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest('input, select, textarea, dialog') !== null;
}
