import { useState } from 'preact/hooks';
import { isVerified, type SeenDevice, type Verification } from '#client/device/verification.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import type { Member } from '#signalling/client-home.ts';
import { type DeviceId, userOfDevice } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import { plain } from '../lib/plain.ts';
import { useStore } from '../lib/use-store.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { Message } from '../parts/message.tsx';
import { Fingerprint } from './fingerprint.tsx';

interface Props {
  readonly verification: Verification;
  /** This device. */
  readonly self: DeviceId;
  readonly member: Member;
  /** Everybody's in the conversation. */
  readonly devices: readonly SeenDevice[];
  readonly onClose: () => void;
}

/** The numbers of both sides beside each other. */
export function VerifyDialog({ verification, self, member, devices, onClose }: Props) {
  const verified = useStore(verification.store);
  const [differs, setDiffers] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const name = plain(member.name);
  const theirs = devices.filter(({ device }) => userOfDevice(device) === member.user);
  const own = devices.filter(({ device }) => userOfDevice(device) === userOfDevice(self));
  const isDone = theirs.length > 0 && theirs.every((each) => isVerified(verified, each));
  const guarded = (work: Promise<void>, words: string) => {
    work.then(
      () => {
        announce(words);
        onClose();
      },
      (error: unknown) => setFailure(failureOf(error)),
    );
  };
  return (
    <Dialog title={`Compare numbers with ${name}`} onClose={onClose}>
      <div class="stack">
        {failure && <Message failure={failure} />}
        {theirs.length === 0 ? (
          <p>
            No device of {name} is in this conversation yet. When {name} has signed in once, the numbers are here.
          </p>
        ) : (
          <p>
            Read the numbers to each other, side by side or in a call in which you know voice and face. {name} finds the
            same numbers under <em>Compare numbers</em> with you. If all of them are the same on both screens, nobody is
            between you.
          </p>
        )}
        <div class="numbers">
          <Side title={`Devices of ${name}`} devices={theirs} verified={verified} />
          <Side title="Your devices" devices={own} self={self} />
        </div>
        {differs && (
          <Message
            failure={{
              sentence: `Then one of you sees a device that is not ${name}’s or not yours. Send nothing secret here, and tell the administrators of both organisations.`,
            }}
          />
        )}
        {theirs.length > 0 && (
          <footer class="dialog-foot">
            {isDone ? (
              <button
                type="button"
                onClick={() => guarded(verification.withdraw(member.user), `${name} is not verified any more`)}
              >
                Take the verification back
              </button>
            ) : (
              <>
                <button type="button" onClick={() => setDiffers(true)}>
                  They differ
                </button>
                <button
                  type="button"
                  class="primary"
                  onClick={() => guarded(verification.verify(theirs), `${name} is verified`)}
                >
                  They are the same
                </button>
              </>
            )}
          </footer>
        )}
      </div>
    </Dialog>
  );
}

function Side({
  title,
  devices,
  verified,
  self,
}: {
  title: string;
  devices: readonly SeenDevice[];
  verified?: ReadonlyMap<DeviceId, string>;
  self?: DeviceId;
}) {
  return (
    <section>
      <h3>{title}</h3>
      <ul class="numbers-list">
        {devices.map((each, index) => (
          <li key={each.device}>
            <p class="with-icon quiet-text">
              Device {index + 1}
              {each.device === self && ', this one'}
              {verified && isVerified(verified, each) && (
                <span class="trust">
                  <Icon name="shield" size={15} />
                  Verified
                </span>
              )}
            </p>
            <Fingerprint fingerprint={each.fingerprint} label="Number" />
          </li>
        ))}
      </ul>
    </section>
  );
}
