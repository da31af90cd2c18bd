import { useState } from 'preact/hooks';
import { isVerified, type SeenDevice, type Verified } from '#client/device/verification.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import type { DeviceId } from '#signalling/ids.ts';
import { Icon } from '../parts/icon.tsx';
import { Message } from '../parts/message.tsx';
import { Fingerprint } from './fingerprint.tsx';

interface Props {
  readonly name: string;
  readonly self: DeviceId;
  readonly theirs: readonly SeenDevice[];
  readonly own: readonly SeenDevice[];
  readonly verified: Verified;
  readonly isDone: boolean;
  readonly onSame: () => Promise<void>;
  readonly onWithdraw: () => Promise<void>;
}

/** The numbers of both sides beside each other. */
export function Numbers({ name, self, theirs, own, verified, isDone, onSame, onWithdraw }: Props) {
  const [differs, setDiffers] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const guarded = (work: () => Promise<void>) => () => {
    work().catch((error: unknown) => setFailure(failureOf(error)));
  };
  return (
    <>
      {failure && <Message failure={failure} />}
      {theirs.length === 0 ? (
        <p>
          No device of {name} is in this conversation yet. When {name} has signed in once, the numbers are here.
        </p>
      ) : (
        <p>
          Read the numbers to each other, side by side or in a call in which you know voice and face. {name} finds the
          same numbers under <em>Verify</em> with you. If all of them are the same on both screens, nobody is between
          you.
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
            <button type="button" onClick={guarded(onWithdraw)}>
              Take the verification back
            </button>
          ) : (
            <>
              <button type="button" onClick={() => setDiffers(true)}>
                They differ
              </button>
              <button type="button" class="primary" onClick={guarded(onSame)}>
                They are the same
              </button>
            </>
          )}
        </footer>
      )}
    </>
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
