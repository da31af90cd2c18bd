/** Comparing by camera. Loaded when somebody chooses it, with what makes and reads codes: few do, and the first load is short. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { codeFor, compareScanned, type Difference, type Scanned } from '#client/device/comparison-code.ts';
import type { SeenDevice } from '#client/device/verification.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import type { UserId } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import { Icon } from '../parts/icon.tsx';
import { Message } from '../parts/message.tsx';
import { CodePicture } from './code-picture.tsx';
import { scanCode } from './scan.ts';

export interface ScanProps {
  readonly self: UserId;
  readonly other: UserId;
  /** Of the other, safe in a sentence. */
  readonly name: string;
  /** Everybody's in the conversation. */
  readonly devices: readonly SeenDevice[];
  readonly isVerified: boolean;
  /** The same devices, of the other, are on both screens. */
  readonly onSame: (devices: readonly SeenDevice[]) => Promise<void>;
}

export function ScanPane({ self, other, name, devices, isVerified, onSame }: ScanProps) {
  const [code, setCode] = useState<string>();
  const [isOn, setOn] = useState(false);
  const [failure, setFailure] = useState<Pick<Failure, 'sentence'>>();
  const video = useRef<HTMLVideoElement>(null);
  /** As they are when a code is seen, which can be long after the camera was opened. */
  const latest = useRef(devices);
  latest.current = devices;

  useEffect(() => {
    let isCurrent = true;
    codeFor({ shower: self, other }, devices).then(
      (text) => isCurrent && setCode(text),
      (error: unknown) => setFailure(failureOf(error)),
    );
    return () => {
      isCurrent = false;
    };
  }, [self, other, devices]);

  useEffect(() => {
    if (!isOn || !video.current) return;
    const closing = new AbortController();
    const scan = async (picture: HTMLVideoElement) => {
      const text = await scanCode(picture, closing.signal);
      if (text === undefined) return;
      const seen = latest.current;
      const scanned = await compareScanned(text, self, other, seen);
      if (scanned.is === 'same') await onSame(seen);
      else setFailure({ sentence: wordsFor(scanned, name) });
    };
    scan(video.current)
      .catch((error: unknown) => setFailure(failureOf(error)))
      .finally(() => {
        if (!closing.signal.aborted) setOn(false);
      });
    return () => closing.abort();
  }, [isOn]);

  const toggle = () => {
    setFailure(undefined);
    setOn(!isOn);
    announce(isOn ? 'The camera is off' : 'Hold the camera before the code');
  };
  return (
    <div class="scan">
      {failure && <Message failure={failure} />}
      {isVerified && (
        <p class="trust">
          <Icon name="shield" size={18} />
          {name} is verified. Let {name} scan your code too: then both of you are.
        </p>
      )}
      {!isVerified && (
        <p>
          Do this side by side. {name} opens <em>Verify</em> and <em>Scan a code</em> with you too; then one of you
          scans the code on the screen of the other, and the other way around. It proves the same as the numbers.
        </p>
      )}
      {code !== undefined && !isOn && (
        <CodePicture
          text={code}
          label={`A code that the camera of ${name} reads to verify you. Comparing the numbers does the same.`}
        />
      )}
      <video ref={video} hidden={!isOn} muted playsInline aria-label="What the camera sees" />
      <button type="button" class={isOn ? '' : 'primary'} onClick={toggle}>
        <Icon name={isOn ? 'cameraOff' : 'camera'} size={18} />
        {isOn ? 'Stop the camera' : `Scan the code of ${name}`}
      </button>
    </div>
  );
}

const WHOSE: Readonly<Record<Difference, (name: string) => string>> = {
  own: () => 'your devices differ',
  theirs: (name) => `the devices of ${name} differ`,
  both: () => 'the devices of both of you differ',
};

function wordsFor(scanned: Exclude<Scanned, { is: 'same' }>, name: string): string {
  switch (scanned.is) {
    case 'different':
      return `This is NOT the same: ${WHOSE[scanned.whose](name)} between the two screens. Do not trust this conversation. If one of you added or removed a device just now, wait a minute and scan again. Otherwise send nothing secret here, and tell the administrators of both organisations. The numbers show which device it is.`;
    case 'of-others':
      return `This code is not one of ${name} for you: it is about other people. Nothing was verified. Ask ${name} to open Verify with you, and scan the code that is there.`;
    case 'own':
      return `This is your own code. Scan the one on the screen of ${name}.`;
    case 'newer':
      return 'This code is of a newer version of the page. Reload this page, then scan again.';
    case 'no-code':
      return `This is no code for verifying somebody. Ask ${name} to open Verify with you, and scan the code that is there.`;
  }
}
