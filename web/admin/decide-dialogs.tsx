import type { Administration } from '#client/administration.ts';
import type { PeerReport } from '#signalling/administration.ts';
import { Confirm } from '../chat/confirm.tsx';

export interface DecideProps {
  readonly administration: Administration;
  readonly peer: PeerReport;
  readonly onClose: () => void;
  readonly onDone: (sentence: string) => void;
}

/** Asks before an organisation is blocked, and says what that does. */
export function BlockPeerDialog({ administration, peer: { domain }, onClose, onDone }: DecideProps) {
  return (
    <Confirm
      title={`Block ${domain}?`}
      act="Block"
      onClose={onClose}
      onAct={async () => {
        await administration.block(domain);
        onDone(`${domain} is blocked`);
      }}
    >
      <Consequences domain={domain} />
      <p>
        It stays on the list, so that you can allow it again. Nobody comes back by that alone: people are added anew.
      </p>
    </Confirm>
  );
}

export function RemoveDialog({ administration, peer: { domain }, onClose, onDone }: DecideProps) {
  return (
    <Confirm
      title={`Remove ${domain} from the list?`}
      act="Remove"
      onClose={onClose}
      onAct={async () => {
        await administration.remove(domain);
        onDone(`${domain} is removed from the list`);
      }}
    >
      <Consequences domain={domain} />
      <p>
        Who speaks for it is forgotten too. To allow it again you need its authority, and compare its fingerprint anew.
      </p>
    </Confirm>
  );
}

function Consequences({ domain }: { domain: string }) {
  return (
    <>
      <p>
        Connections with {domain} end at once, and calls with its people. Its people leave the conversations that your
        organisation keeps, and yours leave those that it keeps. What waits to be delivered to it is thrown away;
        messages of yours that wait for it are given back to who wrote them.
      </p>
      <p>A conversation that a third organisation keeps stays as it is, with the people of both in it.</p>
    </>
  );
}

/** Allows one that is blocked. */
export function AgainDialog({ administration, peer: { domain, authorities }, onClose, onDone }: DecideProps) {
  return (
    <Confirm
      title={`Allow ${domain} again?`}
      act="Allow"
      danger={false}
      onClose={onClose}
      onAct={async () => {
        await administration.allow(domain, {});
        onDone(`${domain} is allowed`);
      }}
    >
      <p>Its homeserver can connect again. Nobody comes back into a conversation by that: people are added anew.</p>
      {authorities.length > 0 && (
        <p>
          The authority that speaks for it has the fingerprint
          {authorities.map(({ fingerprint }) => (
            <code key={fingerprint} class="peer-print">
              {fingerprint}
            </code>
          ))}
        </p>
      )}
    </Confirm>
  );
}

/** Before keys are believed with which an organisation came back. */
export function KeysDialog({ administration, peer: { domain, waitingKeys = [] }, onClose, onDone }: DecideProps) {
  return (
    <Confirm
      title={`Confirm the keys of ${domain}?`}
      act="They are the same"
      onClose={onClose}
      onAct={async () => {
        await administration.acceptKeys(domain, waitingKeys);
        onDone(`The keys of ${domain} are confirmed`);
      }}
    >
      <p>
        {domain} says that other keys speak for the devices of its people than before. Until you confirm them, its new
        devices come into no conversation. Read this to its administrator by telephone:
        {waitingKeys.map((print) => (
          <code key={print} class="peer-print">
            {print}
          </code>
        ))}
      </p>
      <p>
        Where they are not the same there, or nothing was changed there, somebody pretends to be {domain}: block it.
      </p>
    </Confirm>
  );
}
