import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface Props {
  /** The button that opened it: it stands beside it, and the focus goes back there. */
  readonly anchor: HTMLElement;
  readonly label: string;
  readonly class?: string;
  readonly role?: 'menu' | 'group';
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

const MARGIN = 8;

/** A small panel above everything, closed by Escape or a click elsewhere. Arrow keys go from one of its buttons to the next. */
export function Popup({ anchor, label, class: name = '', role = 'group', onClose, children }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const popup = ref.current;
    if (!popup) return;
    popup.showPopover();
    const at = anchor.getBoundingClientRect();
    const { width, height } = popup.getBoundingClientRect();
    const below = at.bottom + 4;
    const top = below + height + MARGIN < innerHeight ? below : Math.max(MARGIN, at.top - height - 4);
    const left = Math.max(MARGIN, Math.min(at.right - width, innerWidth - width - MARGIN));
    popup.style.top = `${top}px`;
    popup.style.left = `${left}px`;
    buttonsIn(popup)[0]?.focus();
    const toggled = (event: Event) => {
      if ('newState' in event && event.newState === 'closed') onClose();
    };
    popup.addEventListener('toggle', toggled);
    return () => {
      popup.removeEventListener('toggle', toggled);
      // What was chosen may have put the focus elsewhere already.
      const had = popup.contains(document.activeElement);
      popup.hidePopover();
      if (had) anchor.focus();
    };
  }, [anchor]);

  const move = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const buttons = ref.current ? buttonsIn(ref.current) : [];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    // The browser closes it; whoever is outside must not take it for his own.
    if (event.key === 'Escape') return event.stopPropagation();
    if (event.key === 'Tab') return onClose();
    const next = event.key === 'Home' ? 0 : event.key === 'End' ? buttons.length - 1 : step && at + step;
    if (next === undefined || buttons.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    buttons[(next + buttons.length) % buttons.length]?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the role is given; the keys come from the buttons inside
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: as above
    <div ref={ref} class={`popup ${name}`} popover="auto" role={role} aria-label={label} onKeyDown={move}>
      {children}
    </div>
  );
}

function buttonsIn(popup: HTMLElement): HTMLButtonElement[] {
  return [...popup.querySelectorAll<HTMLButtonElement>('button:not(:disabled)')];
}
