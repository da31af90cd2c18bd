import type { ComponentChildren } from 'preact';
import { useAttempt } from '../lib/use-attempt.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';

interface Props {
  readonly title: string;
  readonly children: ComponentChildren;
  /** What is done, on the button that does it. */
  readonly act: string;
  readonly danger?: boolean;
  readonly onAct: () => Promise<void> | void;
  readonly onClose: () => void;
}

/** Asks before something that cannot be undone, and says what will happen. */
export function Confirm({ title, children, act, danger = true, onAct, onClose }: Props) {
  const { busy, failure, run } = useAttempt();
  const go = async () => {
    if (await run(async () => onAct())) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="stack">
        {failure && <Message failure={failure} />}
        {children}
        <footer class="dialog-foot">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="button" class={danger ? 'danger' : 'primary'} disabled={busy} onClick={() => void go()}>
            {busy ? 'One moment…' : act}
          </button>
        </footer>
      </div>
    </Dialog>
  );
}

/** Before a link opens whose text does not say where it leads. */
export function LinkDialog({ href, onClose }: { href: string; onClose: () => void }) {
  const url = URL.parse(href);
  const where = url?.protocol === 'mailto:' ? url.pathname : url?.host;
  return (
    <Confirm
      title="Open this link?"
      act="Open it"
      danger={false}
      onAct={() => void window.open(href, '_blank', 'noopener,noreferrer')}
      onClose={onClose}
    >
      <p>The text of the link does not say where it leads. It leads to:</p>
      <p class="link-where" dir="ltr">
        <strong>{where}</strong>
      </p>
      <p class="link-whole quiet-text" dir="ltr">
        {href}
      </p>
    </Confirm>
  );
}
