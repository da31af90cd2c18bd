import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { useModal } from '../lib/use-modal.ts';
import { Icon } from './icon.tsx';

/** The browser's own modal dialog: it keeps the focus inside, closes on Escape and gives the focus back. */
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }) {
  const modal = useModal(props.onClose);
  const title = useId();
  return (
    <dialog {...modal} aria-labelledby={title}>
      <header class="dialog-head">
        <h2 id={title}>{props.title}</h2>
        <button type="button" class="quiet icon-only" aria-label="Close" onClick={props.onClose}>
          <Icon name="close" />
        </button>
      </header>
      {props.children}
    </dialog>
  );
}
