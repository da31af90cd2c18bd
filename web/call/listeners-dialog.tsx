import { useEffect, useState } from 'preact/hooks';
import type { BrowserCall } from '#client/call.ts';
import { callCodeOf } from '#client/device/call-code.ts';
import { trustOf } from '#client/device/verification.ts';
import { byOrganisation, type CallRoster, type ListeningPerson } from '#client/groups/call-roster.ts';
import type { Refusal } from '#client/sframe/incoming-frames.ts';
import type { Member } from '#signalling/client-home.ts';
import { domainOf, handleOf, userOfDevice } from '#signalling/ids.ts';
import { plain } from '../lib/plain.ts';
import { useStore } from '../lib/use-store.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { Organisation } from '../parts/organisation.tsx';

interface Props {
  readonly call: BrowserCall;
  /** Of the conversation. */
  readonly members: readonly Member[];
  readonly onClose: () => void;
}

/** What somebody on the way has done to pictures and sound, in the words of people. */
const REFUSED: Readonly<Record<Refusal, string>> = {
  malformed: 'were not encrypted as they have to be',
  unknownKey: 'were encrypted with keys that are over, or that came too late',
  otherSender: 'were not of the person that they were said to be of',
  otherSource: 'were of another camera or microphone than they were said to be of',
  forged: 'were changed on the way',
  repeated: 'came a second time',
  reordered: 'came in another order than they were sent in',
  incomplete: 'had lost what they build on',
};

/** Who can hear: by the keys, not by what any server says. */
export function ListenersDialog({ call, members, onClose }: Props) {
  const { roster, refused } = useStore(call.encryption);
  const conference = useStore(call.conference.store);
  const names = new Map(members.map(({ user, name }) => [user, plain(name)]));
  const self = userOfDevice(call.self);
  const present = new Set(
    conference.phase === 'joined' ? conference.participants.map(({ participant }) => participant) : [],
  );
  const counted = (Object.entries(refused) as [Refusal, number][]).filter(([, count]) => count > 0);
  return (
    <Dialog title="Who can hear" onClose={onClose}>
      <div class="stack">
        {roster === undefined ? (
          <p>This device has no keys of the call yet. Until it has, nothing is sent and nothing is shown.</p>
        ) : (
          <>
            <p>
              Pictures and sound are encrypted on your device. Nobody has the keys but the devices below; no server of
              any organisation has them.
            </p>
            {byOrganisation(roster, self).map(([domain, people]) => (
              <section key={domain}>
                <h3>
                  <Organisation domain={domain} foreign={domain !== domainOf(self)} />
                </h3>
                <ul class="listeners">
                  {people.map((person) => (
                    <PersonLine
                      key={person.user}
                      call={call}
                      roster={roster}
                      person={person}
                      name={names.get(person.user) ?? handleOf(person.user)}
                      isMember={names.has(person.user)}
                      isSelf={person.user === self}
                      hasMedia={person.devices.some(
                        ({ device, participant }) =>
                          device === call.self || (participant !== undefined && present.has(participant)),
                      )}
                    />
                  ))}
                </ul>
              </section>
            ))}
            <Code roster={roster} />
          </>
        )}
        {counted.length > 0 && (
          <section>
            <h3>Not shown</h3>
            <p>Pieces of pictures and sound that came and were thrown away. A few are of a poor line.</p>
            <ul>
              {counted.map(([kind, count]) => (
                <li key={kind}>
                  {count} {REFUSED[kind]}
                </li>
              ))}
            </ul>
          </section>
        )}
      </div>
    </Dialog>
  );
}

interface LineProps {
  readonly call: BrowserCall;
  readonly roster: CallRoster;
  readonly person: ListeningPerson;
  readonly name: string;
  readonly isMember: boolean;
  readonly isSelf: boolean;
  readonly hasMedia: boolean;
}

function PersonLine({ call, roster, person, name, isMember, isSelf, hasMedia }: LineProps) {
  const verified = useStore(call.verification.store);
  const trust = trustOf(verified, roster.devices, person.user);
  const count = person.devices.length;
  return (
    <li class="listener">
      <strong>
        <bdi>{name}</bdi>
        {isSelf && <span class="quiet-text"> (you)</span>}
      </strong>
      {count > 1 && <span class="quiet-text">{count} devices</span>}
      {!isMember && <span class="listener-stranger">not in this conversation</span>}
      {!hasMedia && <span class="quiet-text">listed, and neither seen nor heard</span>}
      {!isSelf && (
        <span class={trust === 'verified' ? 'trust' : 'quiet-text'}>
          {trust === 'verified' && <Icon name="shield" size={15} />}
          {trust === 'verified' ? 'Verified' : trust === 'partly' ? 'Has a new device' : 'Not verified'}
        </span>
      )}
    </li>
  );
}

/** What people read to each other. */
function Code({ roster }: { roster: CallRoster }) {
  const [code, setCode] = useState<string>();
  useEffect(() => {
    let isOver = false;
    void callCodeOf(roster.authenticator).then((made) => isOver || setCode(made));
    return () => {
      isOver = true;
    };
  }, [roster]);
  return (
    <section>
      <h3>The code of this call</h3>
      <p class="fingerprint" dir="ltr" aria-live="polite">
        {code?.split(' ').map((group, index) => (
          <span key={index}>{group} </span>
        ))}
      </p>
      <p class="quiet-text">
        Read it to each other. Where it is the same for all, all have the same keys and nobody is between you. It
        changes when somebody comes or goes.
      </p>
    </section>
  );
}
