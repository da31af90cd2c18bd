import { useEffect, useState } from 'preact/hooks';
import { type Administration, fingerprintsOf } from '#client/administration.ts';
import { DeviceError } from '#client/failure.ts';
import { parseDomainName } from '#signalling/ids.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';

interface Props {
  readonly administration: Administration;
  /** The domain, where it is known. */
  readonly begun: string;
  readonly onClose: () => void;
  readonly onDone: (sentence: string) => void;
}

/** Allows an organisation for the first time: who speaks for it is compared by telephone before. */
export function AllowDialog({ administration, begun, onClose, onDone }: Props) {
  const [domain, setDomain] = useState(begun);
  const [homeserver, setHomeserver] = useState('');
  const [prefixes, setPrefixes] = useState('');
  const [authority, setAuthority] = useState('');
  const [prints, setPrints] = useState<readonly string[]>([]);
  const [isCompared, setCompared] = useState(false);
  const { busy, failure, run } = useAttempt();
  useEffect(() => {
    let isCurrent = true;
    // Another text is another fingerprint: it has to be compared again.
    setCompared(false);
    void fingerprintsOf(authority).then((found) => isCurrent && setPrints(found));
    return () => {
      isCurrent = false;
    };
  }, [authority]);
  const allow = async () => {
    const parsed = parseDomainName(domain.trim().toLowerCase());
    if (!parsed) throw new DeviceError('DOMAIN_FORM');
    const mediaPrefixes = prefixes.split(/[\s,]+/).filter((each) => each !== '');
    const address = homeserver.trim();
    await administration.allow(parsed, { authority, mediaPrefixes, ...(address !== '' && { homeserver: address }) });
    onDone(`${parsed} is allowed`);
    onClose();
  };
  return (
    <Dialog title="Allow an organisation" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void run(allow);
        }}
      >
        {failure && <Message failure={failure} />}
        <label>
          <span>Its domain</span>
          <input
            value={domain}
            placeholder="beta.example"
            autocapitalize="none"
            spellcheck={false}
            required
            onInput={(event) => setDomain(event.currentTarget.value)}
          />
        </label>
        <label>
          <span>Where its homeserver takes others, host and port</span>
          <input
            value={homeserver}
            placeholder="hs.beta.example:8448"
            autocapitalize="none"
            spellcheck={false}
            onInput={(event) => setHomeserver(event.currentTarget.value)}
          />
        </label>
        <label>
          <span>Where its sound and picture may come from</span>
          <input
            value={prefixes}
            placeholder="203.0.113.0/24, 2001:db8::/32"
            autocapitalize="none"
            spellcheck={false}
            onInput={(event) => setPrefixes(event.currentTarget.value)}
          />
        </label>
        <label>
          <span>Its authority: the text of the file authority.pem that its administrator gave you</span>
          <textarea
            class="admin-pem"
            rows={4}
            value={authority}
            placeholder="-----BEGIN CERTIFICATE-----"
            spellcheck={false}
            required
            onInput={(event) => setAuthority(event.currentTarget.value)}
          />
        </label>
        <output class="admin-prints">
          {prints.length > 0 ? (
            <>
              <span>Read this to its administrator by telephone. It must be the same there:</span>
              {prints.map((print) => (
                <code key={print} class="peer-print">
                  {print}
                </code>
              ))}
            </>
          ) : (
            <span class="quiet-text">Its fingerprint is shown here.</span>
          )}
        </output>
        <label class="admin-check">
          <input
            type="checkbox"
            checked={isCompared}
            disabled={prints.length === 0}
            required
            onChange={(event) => setCompared(event.currentTarget.checked)}
          />
          <span>The fingerprint is the same</span>
        </label>
        <footer class="dialog-foot">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            {busy ? 'One moment…' : 'Allow'}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
