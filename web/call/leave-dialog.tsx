import { useState } from 'preact/hooks';
import type { BrowserCall } from '#client/call.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';

interface Props {
  readonly call: BrowserCall;
  /** Whoever started the call and the conversation's administrators may end it. */
  readonly mayEnd: boolean;
  readonly onClose: () => void;
}

/** The way out, or the two. */
export function LeaveDialog({ call, mayEnd, onClose }: Props) {
  const [failure, setFailure] = useState<Failure>();
  return (
    <Dialog title="Leave the call?" onClose={onClose}>
      <div class="stack">
        {failure && <Message failure={failure} />}
        <p class="quiet-text">
          {mayEnd
            ? 'The others can go on without you, or the call ends for everybody.'
            : 'The others can go on without you. You can come back while the call goes on.'}
        </p>
        <footer class="dialog-foot">
          {mayEnd && (
            <button
              type="button"
              class="danger-outline"
              onClick={() => call.endForAll().catch((error: unknown) => setFailure(failureOf(error)))}
            >
              End for all
            </button>
          )}
          <button type="button" class="danger" onClick={() => void call.leave()}>
            Leave
          </button>
        </footer>
      </div>
    </Dialog>
  );
}
