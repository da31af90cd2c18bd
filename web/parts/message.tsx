import type { Failure } from '#client/failure.ts';
import { Icon } from './icon.tsx';

/** A sentence that says what went wrong and what to do. It is read out when it appears. */
export function Message({ failure, onDismiss }: { failure: Pick<Failure, 'sentence'>; onDismiss?: () => void }) {
  return (
    <div class="message" role="alert">
      <Icon name="warning" size={20} />
      <p>{failure.sentence}</p>
      {onDismiss && (
        <button type="button" class="quiet icon-only" aria-label="Dismiss" onClick={onDismiss}>
          <Icon name="close" size={18} />
        </button>
      )}
    </div>
  );
}
