import { useState } from 'preact/hooks';
import type { BrowserCall } from '#client/call.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';

/** The two ways out. */
export function LeaveDialog({ call, onClose }: { call: BrowserCall; onClose: () => void }) {
  const [failure, setFailure] = useState<Failure>();
  return (
    <Dialog title="Leave the call?" onClose={onClose}>
      <div class="stack">
        {failure && <Message failure={failure} />}
        <p class="quiet-text">The others can go on without you, or the call ends for everybody.</p>
        <footer class="dialog-foot">
          <button
            type="button"
            class="danger-outline"
            onClick={() => call.endForAll().catch((error: unknown) => setFailure(failureOf(error)))}
          >
            End for all
          </button>
          <button type="button" class="danger" onClick={() => void call.leave()}>
            Leave
          </button>
        </footer>
      </div>
    </Dialog>
  );
}
