import { useState } from 'preact/hooks';
import type { Device } from '#signalling/devices.ts';
import { Confirm } from '../chat/confirm.tsx';
import { announce } from '../lib/announce.ts';
import { plain } from '../lib/plain.ts';
import { fullWhen, shortWhen } from '../lib/when.ts';
import { Icon } from '../parts/icon.tsx';
import { Fingerprint } from './fingerprint.tsx';

interface Props {
  readonly device: Device;
  readonly isThis: boolean;
  /** It was added and nobody has said yet that it was this person. */
  readonly isNew: boolean;
  readonly onRemove: (device: Device) => Promise<void>;
}

/** One of the own devices. */
export function DeviceCard({ device, isThis, isNew, onRemove }: Props) {
  const [removing, setRemoving] = useState(false);
  const now = Date.now();
  const name = plain(device.name);
  return (
    <li class="device">
      <Icon name="laptop" size={26} />
      <div class="device-words">
        <h3>
          <bdi>{name}</bdi>
          {isThis && <span class="tag">This device</span>}
          {isNew && <span class="tag tag-new">New</span>}
        </h3>
        <p class="quiet-text">
          Last used {fullWhen(device.lastUsedAt, now)}, from {device.lastAddress || 'an unknown address'}. Added{' '}
          {shortWhen(device.createdAt, now)}.
        </p>
        <Fingerprint fingerprint={device.fingerprint} label="Number of this device" />
      </div>
      {!isThis && (
        <button type="button" class="danger-outline small" onClick={() => setRemoving(true)}>
          Remove
          <span class="sr-only"> {name}</span>
        </button>
      )}
      {removing && (
        <Confirm
          title={`Remove ${name}?`}
          act="Remove it"
          onClose={() => setRemoving(false)}
          onAct={async () => {
            await onRemove(device);
            announce(`${name} was removed`);
          }}
        >
          <p>
            It is signed out at once and can read and send nothing more in any conversation. What it has received stays
            on it, if somebody has it in his hands. To use it again, sign in on it; it then is a new device.
          </p>
        </Confirm>
      )}
    </li>
  );
}
