import { useState } from 'preact/hooks';
import type { PeerWish } from '#signalling/administration.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';
import type { DecideProps } from './decide-dialogs.tsx';
import { LIMITS, SEARCHES } from './peer-words.ts';

/** What an organisation may do, and how much it may take of the media server. */
export function LimitDialog({ administration, peer: { domain, limits, may }, onClose, onDone }: DecideProps) {
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>(
    Object.fromEntries(LIMITS.map(([name]) => [name, `${limits[name] ?? ''}`])),
  );
  const [scopes, setScopes] = useState(may);
  const { busy, failure, run } = useAttempt();
  const set = async () => {
    const wish: PeerWish['limits'] = Object.fromEntries(
      LIMITS.map(([name]) => [name, typed[name]?.trim() ? Number(typed[name]) : null]),
    );
    await administration.allow(domain, { may: scopes, limits: wish });
    onDone(`What ${domain} may do is set`);
    onClose();
  };
  return (
    <Dialog title={`What ${domain} may do`} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void run(set);
        }}
      >
        {failure && <Message failure={failure} />}
        <label class="admin-check">
          <input
            type="checkbox"
            checked={scopes.messages}
            onChange={(event) => setScopes({ ...scopes, messages: event.currentTarget.checked })}
          />
          <span>Messages and files</span>
        </label>
        <label class="admin-check">
          <input
            type="checkbox"
            checked={scopes.calls}
            onChange={(event) => setScopes({ ...scopes, calls: event.currentTarget.checked })}
          />
          <span>Calls</span>
        </label>
        <label>
          <span>Its people find here</span>
          <select
            value={scopes.search}
            onChange={(event) => {
              const search = SEARCHES.find(([name]) => name === event.currentTarget.value)?.[0];
              if (search) setScopes({ ...scopes, search });
            }}
          >
            {SEARCHES.map(([name, words]) => (
              <option key={name} value={name}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <p>
          No call is interrupted: where less fits, small pictures go first, and sound never. What is left empty is as
          for all organisations.
        </p>
        {LIMITS.map(([name, words]) => (
          <label key={name}>
            <span>At most … {words}</span>
            <input
              type="number"
              min={0}
              step={name.endsWith('Mbit') ? 'any' : 1}
              value={typed[name]}
              onInput={(event) => setTyped({ ...typed, [name]: event.currentTarget.value })}
            />
          </label>
        ))}
        <footer class="dialog-foot">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            {busy ? 'One moment…' : 'Set'}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
