import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { isVerified, type SeenDevice, type Verification } from '#client/device/verification.ts';
import type { Member } from '#signalling/client-home.ts';
import { type DeviceId, userOfDevice } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import { plain } from '../lib/plain.ts';
import { useStore } from '../lib/use-store.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';
import { Numbers } from './numbers.tsx';
import type { ScanProps } from './scan-pane.tsx';

interface Props {
  readonly verification: Verification;
  /** This device. */
  readonly self: DeviceId;
  readonly member: Member;
  /** Everybody's in the conversation. */
  readonly devices: readonly SeenDevice[];
  readonly onClose: () => void;
}

type Way = 'numbers' | 'scan';

const WAYS: readonly (readonly [way: Way, words: string])[] = [
  ['numbers', 'Compare numbers'],
  ['scan', 'Scan a code'],
];

/** Two ways to be sure of somebody's devices, which prove the same. */
export function VerifyDialog({ verification, self, member, devices, onClose }: Props) {
  const verified = useStore(verification.store);
  const [way, setWay] = useState<Way>('numbers');
  const name = plain(member.name);
  const user = userOfDevice(self);
  const theirs = devices.filter(({ device }) => userOfDevice(device) === member.user);
  const isDone = theirs.length > 0 && theirs.every((each) => isVerified(verified, each));
  const note = async (compared: readonly SeenDevice[]) => {
    await verification.verify(compared);
    announce(`${name} is verified`);
  };
  return (
    <Dialog title={`Verify ${name}`} onClose={onClose}>
      <div class="stack">
        {theirs.length > 0 && (
          <fieldset class="ways">
            <legend class="sr-only">How you do it</legend>
            {WAYS.map(([value, words]) => (
              <label key={value} class="choice">
                <input type="radio" name="way" checked={way === value} onChange={() => setWay(value)} />
                <span>{words}</span>
              </label>
            ))}
          </fieldset>
        )}
        {way === 'scan' && theirs.length > 0 ? (
          <Scan
            self={user}
            other={member.user}
            name={name}
            devices={devices}
            isVerified={isDone}
            onSame={(compared) => note(compared.filter(({ device }) => userOfDevice(device) === member.user))}
          />
        ) : (
          <Numbers
            name={name}
            self={self}
            theirs={theirs}
            own={devices.filter(({ device }) => userOfDevice(device) === user)}
            verified={verified}
            isDone={isDone}
            onSame={() => note(theirs).then(onClose)}
            onWithdraw={async () => {
              await verification.withdraw(member.user);
              announce(`${name} is not verified any more`);
              onClose();
            }}
          />
        )}
      </div>
    </Dialog>
  );
}

function Scan(props: ScanProps) {
  const [Pane, setPane] = useState<FunctionComponent<ScanProps>>();
  const [isMissing, setMissing] = useState(false);
  useEffect(() => {
    import('./scan-pane.tsx').then(
      ({ ScanPane }) => setPane(() => ScanPane),
      () => setMissing(true),
    );
  }, []);
  if (Pane) return <Pane {...props} />;
  return isMissing ? (
    <Message
      failure={{
        sentence: 'What scans could not be loaded. Check your network and reload the page, or compare the numbers.',
      }}
    />
  ) : null;
}
