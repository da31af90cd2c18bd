import { useState } from 'preact/hooks';
import type { BrowserCall } from '#client/call.ts';
import { type Lock, lockOf } from '#client/groups/call-roster.ts';
import type { Member } from '#signalling/client-home.ts';
import { useStore } from '../lib/use-store.ts';
import { Icon } from '../parts/icon.tsx';
import { ListenersDialog } from './listeners-dialog.tsx';

const WORDS: Readonly<Record<Lock, string>> = {
  none: 'Not encrypted yet: nothing is sent',
  encrypted: 'End-to-end encrypted',
  verified: 'End-to-end encrypted, everybody verified',
};

/** How the call is encrypted, in one of three words; behind it who can hear. */
export function CallLock({ call, members }: { call: BrowserCall; members: readonly Member[] }) {
  const { roster } = useStore(call.encryption);
  const verified = useStore(call.verification.store);
  const [isOpen, setOpen] = useState(false);
  const lock = lockOf(roster, verified, call.self);
  return (
    <>
      <button type="button" class={`quiet with-icon lock lock-${lock}`} onClick={() => setOpen(true)}>
        <Icon name={lock === 'verified' ? 'shield' : lock === 'encrypted' ? 'lock' : 'warning'} size={16} />
        {WORDS[lock]}
      </button>
      {isOpen && <ListenersDialog call={call} members={members} onClose={() => setOpen(false)} />}
    </>
  );
}
