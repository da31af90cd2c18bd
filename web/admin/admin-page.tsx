import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import { Administration } from '#client/administration.ts';
import type { PeerReport } from '#signalling/administration.ts';
import { announce } from '../lib/announce.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { useStore } from '../lib/use-store.ts';
import { Message } from '../parts/message.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { AllowDialog } from './allow-dialog.tsx';
import { AgainDialog, BlockPeerDialog, KeysDialog, RemoveDialog } from './decide-dialogs.tsx';
import { LimitDialog } from './limit-dialog.tsx';
import { PeersTable, type Verb } from './peers-table.tsx';

const REFRESH_MS = 10_000;
/** While something goes on that one wants to see end. */
const PARTING_REFRESH_MS = 250;

interface Open {
  readonly verb: Verb;
  readonly peer: PeerReport;
}

/** Other organisations: how it fares with each, and what each may. For administrators. */
export function AdminPage({ account, onBack }: { account: Account; onBack: () => void }) {
  const administration = useMemo(() => new Administration(account), [account]);
  const reports = useStore(administration.store);
  const { failure, run, dismiss } = useAttempt();
  const [open, setOpen] = useState<Open>();
  const [adding, setAdding] = useState<string>();
  const heading = useRef<HTMLHeadingElement>(null);
  const isParting = reports?.peers.some(({ state }) => state === 'parting') ?? false;
  useEffect(() => void run(() => administration.refresh()), [administration]);
  useEffect(() => {
    // What cannot be asked now is asked again; the first failure stays on the page.
    const again = () => void administration.refresh().catch(() => undefined);
    const timer = setInterval(again, isParting ? PARTING_REFRESH_MS : REFRESH_MS);
    return () => clearInterval(timer);
  }, [administration, isParting]);
  const close = () => setOpen(undefined);
  const isDone = useRef(false);
  useEffect(() => {
    if (open || adding !== undefined || !isDone.current) return;
    // The button that was pressed may be gone with its row. Only when no dialog holds the focus any more.
    isDone.current = false;
    heading.current?.focus();
  }, [open, adding]);
  const done = (sentence: string) => {
    announce(sentence);
    isDone.current = true;
  };
  const dialog = open && { administration, peer: open.peer, onClose: close, onDone: done };
  return (
    <section class="devices-page admin-page" aria-label="Other organisations">
      <PageHead title="Other organisations" onBack={onBack}>
        Which of them yours works with, how that goes, and what each may do.
      </PageHead>
      {failure && <Message failure={failure} onDismiss={dismiss} />}
      <div class="admin-head">
        <h3 ref={heading} tabIndex={-1}>
          {reports ? countWords(reports.peers.length) : 'Loading…'}
        </h3>
        <button type="button" class="primary" onClick={() => setAdding('')}>
          Allow an organisation…
        </button>
      </div>
      {reports && reports.peers.length > 0 && (
        <PeersTable
          reports={reports}
          onVerb={(verb, peer) => (verb === 'add' ? setAdding(peer.domain) : setOpen({ verb, peer }))}
        />
      )}
      <p class="quiet-text">
        Messages, calls and refusals are those of the last hour, counted since the homeserver started. The page asks
        anew every ten seconds, and all the time while people are being taken out.
      </p>
      {adding !== undefined && (
        <AllowDialog
          administration={administration}
          begun={adding}
          onClose={() => setAdding(undefined)}
          onDone={done}
        />
      )}
      {dialog && open.verb === 'allow' && <AgainDialog {...dialog} />}
      {dialog && open.verb === 'keys' && <KeysDialog {...dialog} />}
      {dialog && open.verb === 'limit' && <LimitDialog {...dialog} />}
      {dialog && open.verb === 'block' && <BlockPeerDialog {...dialog} />}
      {dialog && open.verb === 'remove' && <RemoveDialog {...dialog} />}
    </section>
  );
}

function countWords(count: number): string {
  if (count === 0) return 'No other organisation is allowed yet';
  return `${count} ${count === 1 ? 'organisation' : 'organisations'}`;
}
