import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

interface Props {
  readonly title: string;
  /** What the page is about, in a line. */
  readonly children: ComponentChildren;
  readonly onBack: () => void;
}

/** The top of a page that stands where conversations do; on a narrow screen with the way back to their list. */
export function PageHead({ title, children, onBack }: Props) {
  return (
    <header class="page-head">
      <button type="button" class="quiet icon-only only-narrow" aria-label="Back to the list" onClick={onBack}>
        <Icon name="back" />
      </button>
      <div class="page-title">
        <h2>{title}</h2>
        <p class="quiet-text">{children}</p>
      </div>
    </header>
  );
}
